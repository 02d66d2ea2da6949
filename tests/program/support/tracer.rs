//! Runs a process under `ptrace(2)` and intercepts every system call that changes files. Each can be let through, made
//! to fail, or replaced by a kill of the process.
//!
//! Intercepted are opens for writing, writes, syncs, renames, removals and new directories. Between two of them the
//! files do not change, so a crash at any other moment leaves the same files as a crash before the next of them. Such
//! calls run one at a time across all threads, so a copy of the files taken before one of them is consistent.
//!
//! Must never: trace processes that it did not start.

use std::collections::HashSet;
use std::fs;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use nix::errno::Errno;
use nix::libc;
use nix::sys::ptrace;
use nix::sys::ptrace::Options;
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;

/// What a call does to files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Kind {
    Create,
    Open,
    Write,
    Sync,
    Rename,
    Remove,
    MakeDirectory,
}

/// A call that is about to change files.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) kind: Kind,
    /// The file or directory; for a rename, the new name.
    pub(crate) path: PathBuf,
}

/// What happens to a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    Happens,
    Fails(Errno),
    /// The process is killed before it.
    Kills,
}

/// Any traced thread.
const ANYONE: Pid = Pid::from_raw(-1);

/// How the process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    Exit(i32),
    Signal(Signal),
}

/// Runs `command`; `decide` is asked about every call that changes something below `root`.
pub(crate) fn run(mut command: Command, root: &Path, mut decide: impl FnMut(&Call) -> Fate) -> End {
    let trace_me = || ptrace::traceme().map_err(Into::into);
    // SAFETY: between fork and exec only one system call is made, and nothing is allocated.
    #[expect(unsafe_code, reason = "a process can ask to be traced only between fork and exec")]
    #[expect(clippy::zombie_processes, reason = "a tracer waits for its threads by waitpid")]
    let child = unsafe { command.pre_exec(trace_me) }.spawn().unwrap();
    let leader = Pid::from_raw(child.id().cast_signed());
    assert_eq!(waitpid(leader, None).unwrap(), WaitStatus::Stopped(leader, Signal::SIGTRAP), "stopped by its exec");
    let options = Options::PTRACE_O_TRACESYSGOOD
        | Options::PTRACE_O_TRACECLONE
        | Options::PTRACE_O_TRACEFORK
        | Options::PTRACE_O_TRACEVFORK
        | Options::PTRACE_O_TRACEEXEC
        | Options::PTRACE_O_EXITKILL;
    ptrace::setoptions(leader, options).unwrap();
    resume(leader, None);
    // Threads that are inside a call, between its two stops.
    let mut inside = HashSet::new();
    loop {
        // Other tests trace their own processes at the same time: wait only for those of this thread.
        match waitpid(ANYONE, Some(WaitPidFlag::__WALL | WaitPidFlag::__WNOTHREAD)).unwrap() {
            WaitStatus::PtraceSyscall(thread) if inside.remove(&thread) => resume(thread, None),
            WaitStatus::PtraceSyscall(thread) => enter(thread, leader, root, &mut inside, &mut decide),
            WaitStatus::PtraceEvent(thread, _, event) => {
                if event == libc::PTRACE_EVENT_EXEC {
                    inside.remove(&thread);
                }
                resume(thread, None);
            }
            // The first stop of a new thread, not a signal sent to it.
            WaitStatus::Stopped(thread, Signal::SIGSTOP | Signal::SIGTRAP) => resume(thread, None),
            WaitStatus::Stopped(thread, signal) => resume(thread, Some(signal)),
            WaitStatus::Exited(thread, code) if thread == leader => return End::Exit(code),
            WaitStatus::Signaled(thread, signal, _) if thread == leader => return End::Signal(signal),
            _ => {}
        }
    }
}

/// Handles a thread that is about to make a call.
fn enter(thread: Pid, leader: Pid, root: &Path, inside: &mut HashSet<Pid>, decide: &mut impl FnMut(&Call) -> Fate) {
    let Ok(registers) = ptrace::getregs(thread) else { return };
    let arguments = [registers.rdi, registers.rsi, registers.rdx, registers.r10];
    let number = registers.orig_rax.cast_signed();
    if number == libc::SYS_prctl && arguments[..2] == [libc::PR_SET_DUMPABLE as u64, 0] {
        // Pretend that it succeeded: the paths of a process that is not dumpable can be read by root only.
        return instead(thread, registers, 0);
    }
    match call(thread, number, arguments).filter(|call| call.path.starts_with(root)) {
        None => {
            inside.insert(thread);
            resume(thread, None);
        }
        Some(call) => match decide(&call) {
            Fate::Happens => {
                // Wait for the call to end before another thread changes a file. The thread may have been killed
                // because of another thread's call.
                resume(thread, None);
                if matches!(waitpid(thread, Some(WaitPidFlag::__WALL)), Ok(WaitStatus::PtraceSyscall(_))) {
                    resume(thread, None);
                }
            }
            Fate::Fails(error) => instead(thread, registers, -(error as i64)),
            Fate::Kills => kill(leader, Signal::SIGKILL).unwrap(),
        },
    }
}

/// Skips the call that `thread` is about to make, and gives it `outcome`.
fn instead(thread: Pid, mut registers: libc::user_regs_struct, outcome: i64) {
    registers.orig_rax = u64::MAX;
    ptrace::setregs(thread, registers).unwrap();
    resume(thread, None);
    assert!(matches!(waitpid(thread, Some(WaitPidFlag::__WALL)), Ok(WaitStatus::PtraceSyscall(_))));
    registers.rax = outcome.cast_unsigned();
    ptrace::setregs(thread, registers).unwrap();
    resume(thread, None);
}

fn resume(thread: Pid, signal: Option<Signal>) {
    // A thread may have been killed since it stopped.
    match ptrace::syscall(thread, signal) {
        Ok(()) | Err(Errno::ESRCH) => {}
        Err(error) => panic!("a traced thread cannot be resumed: {error}"),
    }
}

/// Decodes a system call; `None` if it does not change files.
fn call(thread: Pid, number: i64, [a, b, c, d]: [u64; 4]) -> Option<Call> {
    let here = libc::AT_FDCWD as u64;
    let of = |kind, path| Some(Call { kind, path });
    let opened = |directory, path, flags: u64| {
        let flags = flags as i32;
        let writes = flags & libc::O_ACCMODE != libc::O_RDONLY || flags & (libc::O_CREAT | libc::O_TRUNC) != 0;
        let kind = if flags & libc::O_CREAT != 0 { Kind::Create } else { Kind::Open };
        if writes { of(kind, path_at(thread, directory, path)) } else { None }
    };
    match number {
        libc::SYS_open => opened(here, a, b),
        libc::SYS_creat => of(Kind::Create, path_at(thread, here, a)),
        libc::SYS_openat => opened(a, b, c),
        // The flags are the first field of the `open_how` that the third argument points to.
        libc::SYS_openat2 => opened(a, b, ptrace::read(thread, c as ptrace::AddressType).ok()?.cast_unsigned()),
        libc::SYS_write
        | libc::SYS_pwrite64
        | libc::SYS_writev
        | libc::SYS_pwritev
        | libc::SYS_ftruncate
        | libc::SYS_fallocate
        | libc::SYS_sendfile => of(Kind::Write, descriptor(thread, a)),
        libc::SYS_copy_file_range => of(Kind::Write, descriptor(thread, c)),
        libc::SYS_fsync | libc::SYS_fdatasync => of(Kind::Sync, descriptor(thread, a)),
        libc::SYS_truncate => of(Kind::Write, path_at(thread, here, a)),
        libc::SYS_rename => of(Kind::Rename, path_at(thread, here, b)),
        libc::SYS_renameat | libc::SYS_renameat2 => of(Kind::Rename, path_at(thread, c, d)),
        libc::SYS_unlink | libc::SYS_rmdir => of(Kind::Remove, path_at(thread, here, a)),
        libc::SYS_unlinkat => of(Kind::Remove, path_at(thread, a, b)),
        libc::SYS_link | libc::SYS_symlink => of(Kind::Create, path_at(thread, here, b)),
        libc::SYS_linkat => of(Kind::Create, path_at(thread, c, d)),
        libc::SYS_symlinkat => of(Kind::Create, path_at(thread, b, c)),
        libc::SYS_mkdir => of(Kind::MakeDirectory, path_at(thread, here, a)),
        libc::SYS_mkdirat => of(Kind::MakeDirectory, path_at(thread, a, b)),
        _ => None,
    }
}

/// The path of an open file.
fn descriptor(thread: Pid, number: u64) -> PathBuf {
    fs::read_link(format!("/proc/{thread}/fd/{number}")).unwrap_or_default()
}

/// The path stored at `address` in the process's memory, resolved against the open `directory`.
fn path_at(thread: Pid, directory: u64, address: u64) -> PathBuf {
    let mut bytes = Vec::new();
    for word in 0.. {
        let Ok(value) = ptrace::read(thread, (address + word * 8) as ptrace::AddressType) else {
            return PathBuf::new();
        };
        let value = value.to_le_bytes();
        let end = value.iter().position(|byte| *byte == 0);
        bytes.extend(&value[..end.unwrap_or(8)]);
        if end.is_some() {
            break;
        }
    }
    let path = PathBuf::from(String::from_utf8_lossy(&bytes).into_owned());
    let base = match directory as i32 {
        libc::AT_FDCWD => fs::read_link(format!("/proc/{thread}/cwd")).unwrap_or_default(),
        number => descriptor(thread, number as u64),
    };
    base.join(path)
}
