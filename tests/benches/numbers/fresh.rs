//! A certificate that is still good, however long a measurement takes: each lives five minutes, its grant four hours.

use std::time::{Duration, Instant};

use e2e::authority::Request;
use e2e::identity::Identity;
use e2e::world::World;

/// How long one is used.
const USED: Duration = Duration::from_secs(120);

/// Jo's key under one grant, signed again when it is time.
#[derive(Debug)]
pub(crate) struct Fresh<'a> {
    world: &'a World,
    grant: String,
    signed: Option<(Identity, Instant)>,
}

impl<'a> Fresh<'a> {
    pub(crate) fn of(world: &'a World) -> Self {
        let request = Request { length: "4h".into(), ..Request::default() };
        let grant = world.authority.create(&request);
        world.authority.approve(&grant, "kim", &world.kim);
        Self { world, grant, signed: None }
    }

    pub(crate) fn next(&mut self) -> &Identity {
        if self.signed.as_ref().is_some_and(|(_, at)| at.elapsed() > USED) {
            self.signed = None;
        }
        let sign = || (self.world.authority.sign(&self.grant, &self.world.jo), Instant::now());
        &self.signed.get_or_insert_with(sign).0
    }
}
