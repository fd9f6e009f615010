/* The kernel's own copy of what ran, for the sessions that the recorder watches.
 *
 * Before an exec, when the recorder asks: who stands at the gate, and where (`gates`). After it, four kinds of event (`events`): a program image was replaced (with the argument bytes as the kernel copied them; before it the file's
 * path), an exec call failed (with the error), a session's first process exited. CO-RE: only the fields named here are needed,
 * and the loader finds them in the running kernel's BTF.
 * Layout of the event: session/src/kernel_copy/bpf/chunks.rs reads it.
 */
#define SEC(name) __attribute__((section(name), used))
#define CORE __attribute__((preserve_access_index))

typedef unsigned char u8;
typedef unsigned int u32;
typedef int s32;
typedef unsigned long long u64;

struct super_block { u32 s_dev; } CORE;
struct inode { unsigned long i_ino; struct super_block *i_sb; } CORE;
struct qstr { const unsigned char *name; } CORE;
struct hlist_bl_node { struct hlist_bl_node **pprev; } CORE;
struct dentry { struct hlist_bl_node d_hash; struct dentry *d_parent; struct qstr d_name; } CORE;
struct vfsmount { struct dentry *mnt_root; } CORE;
struct mount { struct mount *mnt_parent; struct dentry *mnt_mountpoint; struct vfsmount mnt; } CORE;
struct path { struct vfsmount *mnt; struct dentry *dentry; } CORE;
struct file { struct inode *f_inode; struct path f_path; } CORE;
struct linux_binprm { struct file *file; const char *filename; const char *interp; } CORE;
struct mm_struct { unsigned long arg_start, arg_end; } CORE;
struct fs_struct { struct path pwd; } CORE;
struct kuid { u32 val; } CORE;
typedef struct kuid kuid_t;
struct cred { kuid_t uid, euid; } CORE;
#ifdef ARM64
struct thread_info { unsigned long flags; } CORE;
struct pt_regs { s32 syscallno; } CORE;
#else
struct thread_info { u32 status; } CORE;
struct pt_regs { unsigned long orig_ax; } CORE;
#endif
struct ns_common { u32 inum; } CORE;
struct xa_node { u8 shift; void *slots[64]; } CORE;
struct xarray { void *xa_head; } CORE;
struct idr { struct xarray idr_rt; u32 idr_base; } CORE;
struct pid_namespace { struct idr idr; struct ns_common ns; } CORE;
struct upid { int nr; struct pid_namespace *ns; } CORE;
struct hlist_node { struct hlist_node *next; } CORE;
struct hlist_head { struct hlist_node *first; } CORE;
struct pid { u32 level; struct hlist_head tasks[4]; struct upid numbers[1]; } CORE;
struct task_struct {
	struct thread_info thread_info;
	int pid, tgid, exit_code;
	u32 sessionid;
	struct mm_struct *mm;
	struct task_struct *group_leader, *real_parent;
	struct pid *thread_pid;
	struct hlist_node pid_links[4];
	const struct cred *real_cred;
	struct fs_struct *fs;
} CORE;

enum { LEVELS = 33 }; /* MAX_PID_NS_LEVEL, and the first */
enum { EXEC = 1, FAILED = 2, EXITED = 3, FILE_PATH = 4 };
enum { SCRIPT = 1, DELETED = 2 };
enum { RING = 4194304 };
enum { PATH = 4096, COMPONENTS = 64 }; /* PATH_MAX; directories and mounts on the way */
enum { NAME = 256, CHUNK = 16384, CHUNKS = 400 }; /* 6.2 MiB: more than the kernel takes as arguments */

struct event {
	u64 time;    /* CLOCK_BOOTTIME, ns */
	u64 inode;
	u32 device;
	u32 kind;
	u32 session; /* audit session id */
	u32 pid;     /* thread group, in the recorder's pid namespace; 0 if it is not in it */
	u32 tid;
	s32 result;  /* 0, or -errno */
	u32 flags;
	u32 total;   /* argument bytes in all */
	u32 offset;  /* of this chunk */
	u32 length;  /* of this chunk */
	char name[NAME];
	u8 data[CHUNK];
};

enum { HEAD = __builtin_offsetof(struct event, data) };

/* Who asks to run a program, and where, as /proc would say. There, each reading makes the kernel build a folder for the
 * process and take it down at its exit, which costs more than the exec's own record.
 */
enum { CWD = 1024 };
struct standing {
	u32 pid;
	u32 tid;
	u32 parent;
	u32 uid;
	u32 euid;
	u32 flags;
	u32 length;
	char cwd[CWD + 4];
};

/* Map definitions in BTF form (libbpf's convention, which aya reads). */
#define UINT(name, value) int (*name)[value]
#define TYPE(name, type) type *name

/* The reader has the ring mapped twice over, all of it resident: 4 MiB are 8 in its memory. Room for an exec with as many
 * arguments as an 8 MiB stack allows, twice almost, or for ten thousand ordinary ones, before the reader has its turn. Behind
 * its half of it an exec has only its beginning told, so that others find room for theirs; what does not fit is counted in
 * `lost` and told.
 */
struct { UINT(type, 27 /* RINGBUF */); UINT(max_entries, RING); } events SEC(".maps");
struct { UINT(type, 27 /* RINGBUF */); UINT(max_entries, 16384); } gates SEC(".maps");
struct { UINT(type, 1 /* HASH */); UINT(max_entries, 16384); TYPE(key, u32); TYPE(value, u8); } sessions SEC(".maps");
struct { UINT(type, 1 /* HASH */); UINT(max_entries, 16384); TYPE(key, u32); TYPE(value, u8); } firsts SEC(".maps");
struct { UINT(type, 6 /* PERCPU_ARRAY */); UINT(max_entries, 1); TYPE(key, u32); TYPE(value, struct event); } scratch SEC(".maps");
struct { UINT(type, 6 /* PERCPU_ARRAY */); UINT(max_entries, 1); TYPE(key, u32); TYPE(value, u64); } lost SEC(".maps");

/* The recorder's pid namespace: the inode of /proc/self/ns/pid. */
const volatile u64 namespace_inode = 0;

static void *(*const map_lookup)(void *map, const void *key) = (void *)1;
static u64 (*const ktime_boot)(void) = (void *)125;
static struct task_struct *(*const current_task)(void) = (void *)158; /* bpf_get_current_task_btf */
static long (*const probe_read_user)(void *to, u32 size, const void *from) = (void *)112;
static long (*const probe_read_kernel_str)(void *to, u32 size, const void *from) = (void *)115;
static long (*const probe_read_kernel)(void *to, u32 size, const void *from) = (void *)113;
static u64 (*const ringbuf_query)(void *ring, u64 flags) = (void *)134;
static void *(*const ringbuf_reserve)(void *ring, u64 size, u64 flags) = (void *)131;
static void (*const ringbuf_submit)(void *data, u64 flags) = (void *)132;
static void (*const ringbuf_discard)(void *data, u64 flags) = (void *)133;
static long (*const ringbuf_output)(void *ring, void *data, u64 size, u64 flags) = (void *)130;

static void send(struct event *event, u32 length)
{
	u32 zero = 0;
	if (length > CHUNK)
		length = CHUNK;
	event->length = length;
	/* The reader looks by itself soon after it let an exec run. Woken for each, it would take the processor from the program
	 * that has just started. */
	u64 wake = ringbuf_query(&events, 0 /* BPF_RB_AVAIL_DATA */) > RING / 8 ? 2 /* BPF_RB_FORCE_WAKEUP */ : 1 /* BPF_RB_NO_WAKEUP */;
	if (ringbuf_output(&events, event, HEAD + length, wake) == 0)
		return;
	u64 *count = map_lookup(&lost, &zero);
	if (count)
		*count += 1;
}

/* For what the verifier does not know to be what it is. Reads zero where nothing is. */
#define READ(to, field) probe_read_kernel(&(to), sizeof(to), __builtin_preserve_access_index(&(field)))

/* The number of a process as the recorder sees it, also of one in a namespace below; 0 if it sees none. */
static u32 number(struct task_struct *task)
{
	struct pid *pid = 0;
	u32 level = 0;
	READ(pid, task->thread_pid);
	if (!pid)
		return 0;
	READ(level, pid->level);
	const char *numbers = (const char *)__builtin_preserve_access_index(&pid->numbers[0]);
	for (u32 i = 0; i < LEVELS; i++) {
		struct { int nr; void *ns; } upid; /* struct upid, whole */
		u32 inode = 0;
		if (i > level)
			break;
		if (probe_read_kernel(&upid, sizeof(upid), numbers + i * sizeof(upid)) != 0)
			break;
		struct pid_namespace *ns = upid.ns;
		if (READ(inode, ns->ns.inum) != 0)
			break;
		if (inode == namespace_inode)
			return upid.nr;
	}
	return 0;
}

/* The thread that has this number in the namespace of who asks, as find_task_by_vpid() of the kernel finds it, in the tree
 * that keeps numbers (include/linux/xarray.h: a node's address has 2 added). Whoever asks looks whether it is the one. */
static struct task_struct *thread(u32 tid)
{
	struct task_struct *asks = current_task(), *task;
	struct pid *pid = 0;
	struct hlist_node *first = 0;
	u32 level = 0, base = 0;
	struct { int nr; struct pid_namespace *ns; } upid = {};
	u64 entry = 0;
	READ(pid, asks->thread_pid);
	READ(level, pid->level);
	probe_read_kernel(&upid, sizeof(upid), (const char *)__builtin_preserve_access_index(&pid->numbers[0]) + level * sizeof(upid));
	struct pid_namespace *ns = upid.ns;
	READ(entry, ns->idr.idr_rt.xa_head);
	READ(base, ns->idr.idr_base);
	u64 index = tid - base;
	for (u32 i = 0; i < 8; i++) {
		if ((entry & 3) != 2)
			break;
		struct xa_node *node = (void *)(entry - 2);
		u8 shift = 0;
		READ(shift, node->shift);
		if (shift > 30)
			return 0;
		probe_read_kernel(&entry, sizeof(entry), (const char *)__builtin_preserve_access_index(&node->slots[0]) + ((index >> shift) & 63) * sizeof(entry));
	}
	pid = (void *)entry;
	READ(first, pid->tasks[0].first);
	if (!first)
		return 0;
	task = (void *)first - (u64)__builtin_preserve_access_index(&((struct task_struct *)0)->pid_links[0]);
	return task;
}

/* The path's components, the last first, each with its NUL, up to the root of its mount namespace; `length` says how
 * much there is. Gives the flag DELETED or 0, and less if not all of it fits. */
static inline __attribute__((always_inline)) int components(struct dentry *dentry, struct vfsmount *in, char *to, u32 room, u32 *length)
{
	struct hlist_bl_node **hashed = 0;
	struct dentry *top = 0;
	READ(hashed, dentry->d_hash.pprev);
	READ(top, in->mnt_root);
	int deleted = hashed || dentry == top ? 0 : DELETED;
	*length = 0;
	for (u32 i = 0; i < COMPONENTS; i++) {
		struct dentry *root = 0, *parent = 0;
		const unsigned char *name = 0;
		READ(root, in->mnt_root);
		READ(parent, dentry->d_parent);
		if (dentry == root) {
			struct mount *mount = (void *)in - (u64)__builtin_preserve_access_index(&((struct mount *)0)->mnt);
			struct mount *above = 0;
			READ(above, mount->mnt_parent);
			if (!above)
				return -1;
			if (above == mount)
				return deleted;
			READ(dentry, mount->mnt_mountpoint);
			in = __builtin_preserve_access_index(&above->mnt);
			continue;
		}
		/* From memory, so that the verifier sees each turn as the same. */
		u32 at = *(volatile u32 *)length;
		if (at > room - NAME)
			return -1;
		READ(name, dentry->d_name.name);
		long read = probe_read_kernel_str(to + at, NAME, name);
		if (read < 0)
			return -1;
		*(volatile u32 *)length = at + read;
		if (parent == dentry) /* in no directory, as a memfd */
			return deleted;
		dentry = parent;
	}
	return -1;
}

/* Tells the path of the file that runs. What does not fit is not told. */
static void send_path(struct event *event, struct file *file)
{
	int flags = components(file->f_path.dentry, file->f_path.mnt, (char *)event->data, PATH, &event->length);
	if (flags < 0)
		return;
	event->flags |= flags;
	event->kind = FILE_PATH;
	send(event, event->length);
	event->kind = EXEC;
}

static struct event *begin(struct task_struct *task, u32 kind)
{
	u32 zero = 0, session = task->sessionid;
	if (session == 0xffffffff || !map_lookup(&sessions, &session))
		return 0;
	struct event *event = map_lookup(&scratch, &zero);
	if (!event)
		return 0;
	event->time = ktime_boot();
	event->inode = 0;
	event->device = 0;
	event->kind = kind;
	event->session = session;
	event->pid = number(task->group_leader);
	event->tid = number(task);
	event->result = 0;
	event->flags = 0;
	event->total = 0;
	event->offset = 0;
	event->name[0] = 0;
	return event;
}

/* Attached to nothing: the recorder runs it (BPF_PROG_TEST_RUN) with the number of a thread. */
SEC("raw_tp/asked")
int who_stands(u64 *context)
{
	u32 tid = context[0];
	struct task_struct *task = thread(tid), *other = 0;
	const struct cred *cred = 0;
	struct fs_struct *fs = 0;
	struct dentry *dentry = 0;
	struct vfsmount *mount = 0;
	if (!task || number(task) != tid)
		return 0;
	READ(fs, task->fs);
	READ(dentry, fs->pwd.dentry);
	READ(mount, fs->pwd.mnt);
	if (!dentry)
		return 0;
	struct standing *standing = ringbuf_reserve(&gates, sizeof(*standing), 0);
	if (!standing)
		return 0;
	standing->tid = tid;
	READ(other, task->group_leader);
	standing->pid = number(other);
	READ(other, task->real_parent);
	READ(other, other->group_leader);
	standing->parent = number(other);
	READ(cred, task->real_cred);
	READ(standing->uid, cred->uid.val);
	READ(standing->euid, cred->euid.val);
	int flags = components(dentry, mount, standing->cwd, CWD, &standing->length);
	standing->flags = flags;
	if (flags >= 0)
		ringbuf_submit(standing, 1 /* BPF_RB_NO_WAKEUP */);
	else
		ringbuf_discard(standing, 1);
	return 0;
}

SEC("tp_btf/sched_process_exec")
int command_ran(u64 *context)
{
	struct task_struct *task = (struct task_struct *)context[0];
	struct linux_binprm *bprm = (struct linux_binprm *)context[2];
	struct event *event = begin(task, EXEC);
	if (!event)
		return 0;
	event->inode = bprm->file->f_inode->i_ino;
	event->device = bprm->file->f_inode->i_sb->s_dev;
	if (bprm->filename != bprm->interp)
		event->flags |= SCRIPT;
	probe_read_kernel_str(event->name, NAME, bprm->filename);
	send_path(event, bprm->file);

	unsigned long start = task->mm->arg_start, end = task->mm->arg_end;
	u32 total = end - start;
	event->total = total;
	if (total == 0) {
		send(event, 0);
		return 0;
	}
	for (u32 chunk = 0; chunk < CHUNKS; chunk++) {
		/* Read back from memory, so that the verifier forgets it and sees each turn as the same. */
		u32 rest = *(volatile u32 *)&event->total, offset = chunk * CHUNK;
		if (offset >= rest)
			break;
		event->offset = offset;
		if (chunk > 0 && ringbuf_query(&events, 0 /* BPF_RB_AVAIL_DATA */) > RING / 2) {
			/* What is left is for the beginnings of others: an exec that nobody tells of could have lied. */
			send(event, 0);
			break;
		}
		u32 length = rest - offset;
		if (length > CHUNK)
			length = CHUNK;
		/* A page that is not there (swapped out within microseconds) reads as a failed chunk. */
		if (probe_read_user(event->data, length, (const void *)(start + offset)) != 0)
			length = 0;
		send(event, length);
		if (length == 0)
			break;
	}
	return 0;
}

/* At a function's return others may run in between on the same processor and fill its scratch, so the event is made where it
 * will be read. */
static int returned(s32 result)
{
	struct task_struct *task = current_task();
	u32 zero = 0, session = task->sessionid;
	if (result >= 0 || session == 0xffffffff || !map_lookup(&sessions, &session))
		return 0;
	struct event *event = ringbuf_reserve(&events, HEAD, 0);
	if (!event) {
		u64 *count = map_lookup(&lost, &zero);
		if (count)
			*count += 1;
		return 0;
	}
	event->time = ktime_boot();
	event->kind = FAILED;
	event->session = session;
	event->pid = number(task->group_leader);
	event->tid = number(task);
	event->result = result;
	event->length = 0;
	ringbuf_submit(event, 1 /* BPF_RB_NO_WAKEUP */);
	return 0;
}

/* Where the kernel lets functions be traced: one argument (struct pt_regs *), then the return value. Which functions, the
 * loader says: they are called otherwise on each architecture.
 */
SEC("fexit/__x64_sys_execve")
int execve_returned(u64 *context) { return returned(context[1]); }
SEC("fexit/__x64_sys_execveat")
int execveat_returned(u64 *context) { return returned(context[1]); }
SEC("fexit/__ia32_compat_sys_execve")
int compat_execve_returned(u64 *context) { return returned(context[1]); }
SEC("fexit/__ia32_compat_sys_execveat")
int compat_execveat_returned(u64 *context) { return returned(context[1]); }

/* Where it does not: every system call's return, attached only while a session is open. */
SEC("tp_btf/sys_exit")
int call_returned(u64 *context)
{
	s32 result = context[1];
	if (result >= 0 || result < -4095)
		return 0;
	struct pt_regs *regs = (struct pt_regs *)context[0];
	struct task_struct *task = current_task();
#ifdef ARM64
	unsigned long number = regs->syscallno;
	int compat = (task->thread_info.flags >> 22) & 1; /* TIF_32BIT */
	if (compat ? number != 11 && number != 387 : number != 221 && number != 281)
		return 0;
#else
	unsigned long number = regs->orig_ax & ~0x40000000ul; /* x32 */
	int compat = task->thread_info.status & 2;            /* TS_COMPAT */
	if (compat ? number != 11 && number != 358 : number != 59 && number != 322 && number != 520 && number != 545)
		return 0;
#endif
	return returned(result);
}

/* The exit of a session's first process: its pid in the recorder's namespace is in `firsts`. */
SEC("tp_btf/sched_process_exit")
int process_exited(u64 *context)
{
	struct task_struct *task = (struct task_struct *)context[0];
	if (task->pid != task->tgid)
		return 0;
	struct event *event = begin(task, EXITED);
	if (!event)
		return 0;
	u32 pid = event->pid;
	if (!map_lookup(&firsts, &pid))
		return 0;
	event->result = task->exit_code;
	send(event, 0);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
