//! `flock` that does nothing, as on some network mounts: the kernel answers every call with success and locks nothing.
//!
//! A seccomp filter does that, so whatever is tried here is the real program with its real calls.

use std::io;
use std::os::unix::process::CommandExt;
use std::process::Command;

use nix::libc;

/// A statement of a classic BPF program (`linux/filter.h`).
const fn statement(code: u32, value: u32, skipped_if_false: u8) -> libc::sock_filter {
    libc::sock_filter { code: code as u16, jt: 0, jf: skipped_if_false, k: value }
}

/// Makes `flock` do nothing in the calling thread and in everything that it starts, for good.
pub(crate) fn break_locks() -> io::Result<()> {
    // `struct seccomp_data` begins with the number of the call.
    let mut program = [
        statement(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, 0, 0),
        statement(libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K, libc::SYS_flock as u32, 1),
        // "Fails" with error 0, which is success.
        statement(libc::BPF_RET | libc::BPF_K, libc::SECCOMP_RET_ERRNO, 0),
        statement(libc::BPF_RET | libc::BPF_K, libc::SECCOMP_RET_ALLOW, 0),
    ];
    let filter = libc::sock_fprog { len: program.len() as u16, filter: program.as_mut_ptr() };
    // SAFETY: both calls only read the arguments, and `filter` outlives them.
    #[expect(unsafe_code, reason = "no safe interface to seccomp is among the dependencies")]
    let results = unsafe {
        [
            libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0),
            libc::prctl(libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_FILTER, &raw const filter),
        ]
    };
    if results == [0, 0] { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// The same for a process that is about to be started.
pub(crate) fn without_locks(command: &mut Command) -> &mut Command {
    // SAFETY: between fork and exec only two system calls are made, and nothing is allocated.
    #[expect(unsafe_code, reason = "a filter for a new process can be set only between fork and exec")]
    unsafe {
        command.pre_exec(break_locks)
    }
}
