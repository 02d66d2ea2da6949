//! Command lines of the harness: the name of a stage, the number of an instance, `--count_only`, `--seed N`.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::error::Error;
use crate::files::Layout;
use crate::instance::Instance;

/// A program of the entry, by the name under which the harness starts it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Stage {
    GenerateKeys,
    EncryptDatabase,
    EncryptQuery,
    Compute,
    Decrypt,
}

impl Stage {
    const ALL: [(&str, Self); 5] = [
        ("client_key_generation", Self::GenerateKeys),
        ("client_encode_encrypt_db", Self::EncryptDatabase),
        ("client_encode_encrypt_query", Self::EncryptQuery),
        ("server_encrypted_compute", Self::Compute),
        ("client_decrypt_decode", Self::Decrypt),
    ];

    fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|(known, _)| *known == name).map(|(_, stage)| stage)
    }
}

/// What a query returns.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Mode {
    /// The number of matches.
    Count,
    /// The payloads of the matches.
    Fetch,
}

/// What all stages of one run share.
pub(crate) struct Run {
    pub(crate) instance: Instance,
    pub(crate) mode: Mode,
    pub(crate) files: Layout,
}

impl Run {
    /// Reads a command line; its first element is the path of the program. Files lie below the working directory.
    ///
    /// # Errors
    /// [`Error::Usage`].
    pub(crate) fn from_arguments(arguments: impl IntoIterator<Item = OsString>) -> Result<(Stage, Self), Error> {
        let mut arguments = arguments.into_iter();
        let program = PathBuf::from(arguments.next().unwrap_or_default());
        let name = program.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let stage = Stage::named(&name).ok_or_else(|| {
            let names: Vec<&str> = Stage::ALL.iter().map(|(name, _)| *name).collect();
            Error::Usage(format!("started as {name:?}; expected one of {}", names.join(", ")))
        })?;
        let (mut instance, mut mode) = (None, Mode::Fetch);
        while let Some(argument) = arguments.next() {
            match argument.to_string_lossy().as_ref() {
                "--count_only" => mode = Mode::Count,
                // The seed is for data sets and queries. Keys and noise always come from the operating system.
                "--seed" => drop(arguments.next()),
                size => instance = Some(Instance::numbered(size)?),
            }
        }
        let instance =
            instance.ok_or_else(|| Error::Usage(format!("usage: {name} INSTANCE [--count_only] [--seed N]")))?;
        Ok((stage, Self { instance, mode, files: Layout::below(Path::new("."), instance.name) }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<(Stage, Run), Error> {
        Run::from_arguments(line.split(' ').map(OsString::from))
    }

    #[test]
    fn the_stage_is_the_name_of_the_program() {
        for (name, stage) in Stage::ALL {
            assert_eq!(parsed(&format!("submission/build/{name} 1")).ok().unwrap().0, stage);
        }
        let refused = parsed("submission/build/server_upload_db 1").err().unwrap();
        assert!(refused.to_string().contains("client_key_generation, "), "{refused}");
    }

    #[test]
    fn seeds_are_skipped_wherever_they_are() {
        let (_, run) = parsed("client_decrypt_decode 2 --count_only --seed 7 --seed 1").ok().unwrap();
        assert_eq!((run.instance.name, run.mode), ("medium", Mode::Count));
        let (_, run) = parsed("client_decrypt_decode --seed 2 1").ok().unwrap();
        assert_eq!((run.instance.name, run.mode), ("small", Mode::Fetch));
    }

    #[test]
    fn an_instance_is_required_and_must_exist() {
        for line in ["client_decrypt_decode", "client_decrypt_decode --seed 1", "client_decrypt_decode 4"] {
            assert!(matches!(parsed(line), Err(Error::Usage(_))), "{line}");
        }
    }
}
