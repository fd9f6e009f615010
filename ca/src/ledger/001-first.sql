-- Version 1 of the ledger. Times are seconds since the epoch, in UTC. Spans are half-open: `until` and
-- `closes` are the first second that no longer counts. Documents, approvals, denials, certificates,
-- revocations and events are facts: they are added and never changed, which the triggers see to.

CREATE TABLE authority (
  only       INTEGER PRIMARY KEY CHECK (only = 1),
  trust_root TEXT    NOT NULL,
  ca_key     TEXT    NOT NULL,
  made_at    INTEGER NOT NULL
) STRICT;

CREATE TABLE vendor (
  name     TEXT    PRIMARY KEY,
  until    INTEGER NOT NULL,
  added_at INTEGER NOT NULL,
  ended_at INTEGER
) STRICT, WITHOUT ROWID;

CREATE TABLE person (
  name     TEXT    PRIMARY KEY,
  vendor   TEXT    NOT NULL REFERENCES vendor (name),
  email    TEXT,
  added_at INTEGER NOT NULL,
  ended_at INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX person_of_vendor ON person (vendor);

CREATE TABLE approver (
  name     TEXT    PRIMARY KEY,
  added_at INTEGER NOT NULL,
  ended_at INTEGER
) STRICT, WITHOUT ROWID;

-- One table for the keys of persons and of approvers, so that one key can never be both, nor change
-- hands after it has ended.
CREATE TABLE enrolled_key (
  fingerprint TEXT    PRIMARY KEY,
  line        TEXT    NOT NULL,
  person      TEXT    REFERENCES person (name),
  approver    TEXT    REFERENCES approver (name),
  added_at    INTEGER NOT NULL,
  ended_at    INTEGER,
  CHECK ((person IS NULL) <> (approver IS NULL))
) STRICT, WITHOUT ROWID;
CREATE INDEX key_of_person   ON enrolled_key (person)   WHERE person   IS NOT NULL;
CREATE INDEX key_of_approver ON enrolled_key (approver) WHERE approver IS NOT NULL;

CREATE TABLE host (
  name     TEXT    PRIMARY KEY,
  added_at INTEGER NOT NULL,
  ended_at INTEGER
) STRICT, WITHOUT ROWID;

CREATE TABLE host_role (
  host TEXT NOT NULL REFERENCES host (name),
  role TEXT NOT NULL,
  PRIMARY KEY (host, role)
) STRICT, WITHOUT ROWID;
CREATE INDEX host_of_role ON host_role (role);

-- The document holds all; the other columns are what is searched by, taken from it.
CREATE TABLE grant_document (
  number     INTEGER PRIMARY KEY AUTOINCREMENT,
  id         TEXT    NOT NULL UNIQUE,
  digest     TEXT    NOT NULL UNIQUE,
  document   BLOB    NOT NULL,
  vendor     TEXT    NOT NULL REFERENCES vendor (name),
  person     TEXT    NOT NULL REFERENCES person (name),
  closes     INTEGER NOT NULL,
  over       INTEGER NOT NULL, -- closes, or extendable-to where that is later
  created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX grant_by_closes ON grant_document (closes);
CREATE INDEX grant_of_vendor ON grant_document (vendor);
CREATE INDEX grant_by_vendor ON grant_document (vendor, over);
CREATE INDEX grant_by_person ON grant_document (person, over);

CREATE TABLE approval (
  grant_number INTEGER NOT NULL REFERENCES grant_document (number),
  approver     TEXT    NOT NULL REFERENCES approver (name),
  fingerprint  TEXT    NOT NULL REFERENCES enrolled_key (fingerprint),
  armored      TEXT    NOT NULL,
  approved_at  INTEGER NOT NULL,
  PRIMARY KEY (grant_number, fingerprint)
) STRICT, WITHOUT ROWID;

CREATE TABLE denial (
  grant_number INTEGER PRIMARY KEY REFERENCES grant_document (number),
  approver     TEXT    NOT NULL REFERENCES approver (name),
  reason       TEXT    NOT NULL,
  denied_at    INTEGER NOT NULL
) STRICT;

-- AUTOINCREMENT: a serial is never used again.
CREATE TABLE certificate (
  serial       INTEGER PRIMARY KEY AUTOINCREMENT,
  grant_number INTEGER NOT NULL REFERENCES grant_document (number),
  fingerprint  TEXT    NOT NULL,
  issued_at    INTEGER NOT NULL,
  valid_after  INTEGER NOT NULL,
  valid_before INTEGER NOT NULL,
  bytes        BLOB    NOT NULL
) STRICT;
CREATE INDEX certificate_of_grant ON certificate (grant_number, valid_before);

CREATE TABLE revocation (
  number       INTEGER PRIMARY KEY AUTOINCREMENT,
  grant_number INTEGER UNIQUE REFERENCES grant_document (number),
  serial       INTEGER UNIQUE REFERENCES certificate (serial),
  person       TEXT    UNIQUE REFERENCES person (name),
  vendor       TEXT    UNIQUE REFERENCES vendor (name),
  reason       TEXT    NOT NULL,
  revoked_at   INTEGER NOT NULL,
  CHECK ((grant_number IS NOT NULL) + (serial IS NOT NULL) + (person IS NOT NULL) + (vendor IS NOT NULL) = 1)
) STRICT;

CREATE TABLE event (
  number   INTEGER PRIMARY KEY AUTOINCREMENT,
  at       INTEGER NOT NULL,
  by_whom  TEXT    NOT NULL,
  kind     TEXT    NOT NULL,
  subject  TEXT    NOT NULL, -- what it is about: acme, acme/jo, kim, db1.prod, G-7F3K9Q
  serial   INTEGER,          -- of the certificate, where it is about one
  detail   TEXT    NOT NULL  -- a JSON object
) STRICT;

CREATE TRIGGER event_stays          BEFORE UPDATE ON event          BEGIN SELECT RAISE(ABORT, 'events are never changed'); END;
CREATE TRIGGER event_remains        BEFORE DELETE ON event          BEGIN SELECT RAISE(ABORT, 'events are never deleted'); END;
CREATE TRIGGER certificate_stays    BEFORE UPDATE ON certificate    BEGIN SELECT RAISE(ABORT, 'certificates are never changed'); END;
CREATE TRIGGER certificate_remains  BEFORE DELETE ON certificate    BEGIN SELECT RAISE(ABORT, 'certificates are never deleted'); END;
CREATE TRIGGER grant_stays          BEFORE UPDATE ON grant_document BEGIN SELECT RAISE(ABORT, 'grants are never changed'); END;
CREATE TRIGGER grant_remains        BEFORE DELETE ON grant_document BEGIN SELECT RAISE(ABORT, 'grants are never deleted'); END;
CREATE TRIGGER approval_stays       BEFORE UPDATE ON approval       BEGIN SELECT RAISE(ABORT, 'approvals are never changed'); END;
CREATE TRIGGER approval_remains     BEFORE DELETE ON approval       BEGIN SELECT RAISE(ABORT, 'approvals are never deleted'); END;
CREATE TRIGGER denial_stays         BEFORE UPDATE ON denial         BEGIN SELECT RAISE(ABORT, 'denials are never changed'); END;
CREATE TRIGGER denial_remains       BEFORE DELETE ON denial         BEGIN SELECT RAISE(ABORT, 'denials are never deleted'); END;
CREATE TRIGGER revocation_stays     BEFORE UPDATE ON revocation     BEGIN SELECT RAISE(ABORT, 'revocations are never changed'); END;
CREATE TRIGGER revocation_remains   BEFORE DELETE ON revocation     BEGIN SELECT RAISE(ABORT, 'revocations are never deleted'); END;
CREATE TRIGGER authority_stays      BEFORE UPDATE ON authority      BEGIN SELECT RAISE(ABORT, 'an authority is never changed'); END;
CREATE TRIGGER authority_remains    BEFORE DELETE ON authority      BEGIN SELECT RAISE(ABORT, 'an authority is never deleted'); END;
CREATE TRIGGER enrolled_key_remains BEFORE DELETE ON enrolled_key   BEGIN SELECT RAISE(ABORT, 'keys end, they are never deleted'); END;
