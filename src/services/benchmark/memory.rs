//! What Linux says about memory: how much is free, and the pages that the program's own consists of.

use std::fs;

/// Bytes that can be allocated without swapping; `None` if the system does not report it.
pub(super) fn available_bytes() -> Option<usize> {
    bytes_of(&fs::read_to_string("/proc/meminfo").ok()?, "MemAvailable:")
}

/// The part of this process's anonymous memory that is in transparent huge pages; `None` if the system does not report
/// it.
pub(super) fn huge_page_share() -> Option<f64> {
    share_in(&fs::read_to_string("/proc/self/smaps_rollup").ok()?)
}

fn share_in(smaps_rollup: &str) -> Option<f64> {
    let all = bytes_of(smaps_rollup, "Anonymous:").filter(|bytes| *bytes > 0)?;
    Some(bytes_of(smaps_rollup, "AnonHugePages:")? as f64 / all as f64)
}

/// The value of a line `name   123 kB`, as in proc_meminfo(5) and proc_pid_smaps(5).
fn bytes_of(text: &str, name: &str) -> Option<usize> {
    let value = text.lines().find_map(|line| line.strip_prefix(name)?.strip_suffix("kB"))?;
    Some(value.trim().parse::<usize>().ok()?.saturating_mul(1024))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_found_by_name_and_in_bytes() {
        let meminfo =
            "MemTotal:       24607380 kB\nMemFree:          123 kB\nMemAvailable:   18000000 kB\nBuffers: 1 kB\n";
        assert_eq!(bytes_of(meminfo, "MemAvailable:"), Some(18_000_000 * 1024));
        for nonsense in ["", "MemAvailable: much kB\n", "MemAvailable: 5\n"] {
            assert_eq!(bytes_of(nonsense, "MemAvailable:"), None, "{nonsense:?}");
        }
        assert_eq!(bytes_of("MemAvailable: 18446744073709551615 kB\n", "MemAvailable:"), Some(usize::MAX));
    }

    #[test]
    fn huge_pages_are_a_share_of_anonymous_memory() {
        let smaps = "Rss: 900 kB\nAnonymous:      800 kB\nLazyFree: 0 kB\nAnonHugePages:  200 kB\n";
        assert_eq!(share_in(smaps), Some(0.25));
        assert_eq!(share_in("Anonymous: 0 kB\nAnonHugePages: 0 kB\n"), None);
        assert_eq!(share_in("Anonymous: 8 kB\n"), None);
    }
}
