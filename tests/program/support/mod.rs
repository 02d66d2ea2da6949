//! What several of the tests need: the program with a home of its own, in a terminal, under a tracer; vaults and
//! requests.

#[cfg(target_os = "linux")]
pub(crate) mod broken_locks;
#[cfg(target_os = "linux")]
pub(crate) mod full_disk;
pub(crate) mod old_vault;
pub(crate) mod pseudo_terminal;
#[cfg(unix)]
pub(crate) mod requests;
pub(crate) mod scene;
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
pub(crate) mod tracer;
pub(crate) mod vault_fixture;
