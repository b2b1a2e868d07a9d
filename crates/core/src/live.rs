//! The live state of Azure: resources, role assignments, locks, ownership markers, and the principals that exist.

mod grants;
mod locks;
mod owned;
mod principals;
mod state;

pub use grants::LiveGrant;
pub use locks::{LiveLock, LockLevel, UnreadLocks};
pub use owned::{KnownType, OwnedResource, UnreadableScope};
pub use principals::Existence;
pub use state::Live;
