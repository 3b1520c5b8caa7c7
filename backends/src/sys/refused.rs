//! A call that the system refused: which one, and with what error.
//!
//! Creating a channel takes several calls; the error alone does not say which of them failed.

use std::error::Error;
use std::fmt;
use std::io;

use nix::errno::Errno;

/// A call that the system refused.
#[derive(Debug)]
struct Refused {
    call: &'static str,
    error: io::Error,
}

/// Names the call that an error comes from: `socket(…).calling("socket(AF_INET)")?`.
pub trait Calling<T> {
    /// The same result; an error says that this call gave it.
    ///
    /// # Errors
    ///
    /// The one that there was.
    fn calling(self, call: &'static str) -> io::Result<T>;
}

impl<T, E: Into<io::Error>> Calling<T> for Result<T, E> {
    fn calling(self, call: &'static str) -> io::Result<T> {
        self.map_err(|error| {
            let error = error.into();
            io::Error::new(error.kind(), Refused { call, error })
        })
    }
}

/// The error number of the system, also where the error names the call that gave it.
pub fn errno(error: &io::Error) -> Option<i32> {
    let inner = || errno(&error.get_ref()?.downcast_ref::<Refused>()?.error);
    error.raw_os_error().or_else(inner)
}

impl fmt::Display for Refused {
    /// `socket(AF_INET): Protocol not supported (EPROTONOSUPPORT)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.error.raw_os_error().map(Errno::from_raw) {
            Some(errno) => write!(f, "{}: {} ({errno:?})", self.call, errno.desc()),
            None => write!(f, "{}: {}", self.call, self.error),
        }
    }
}

impl Error for Refused {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_names_its_call_and_keeps_its_number() {
        let refused = Err::<(), _>(Errno::EPROTONOSUPPORT).calling("socket(AF_INET)");
        let error = refused.expect_err("it is refused");
        let told = "socket(AF_INET): Protocol not supported (EPROTONOSUPPORT)";
        assert_eq!((error.to_string().as_str(), errno(&error)), (told, Some(93)));
        let plain = io::Error::from_raw_os_error(24);
        assert_eq!(errno(&plain), Some(24));
        assert_eq!(errno(&io::Error::other("no number")), None);
    }
}
