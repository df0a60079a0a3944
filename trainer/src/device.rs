//! Where a model runs, and the one binary for both: the CUDA half of libtorch is opened at run time where there is one.

use std::path::{Path, PathBuf};

use libloading::os::unix::{Library, RTLD_GLOBAL, RTLD_NOW};
use tch::{Cuda, Device};

use crate::error::TrainerError;
use crate::native;

/// The device called `name`, `cpu`, `cuda` or `cuda:N`, ready to train on.
///
/// # Errors
/// When the name is none of these or the machine has no such device.
pub fn find(name: &str) -> Result<Device, TrainerError> {
    let number = match name.split_once(':') {
        None if name == "cpu" => return Ok(Device::Cpu),
        None if name == "cuda" => Some(0),
        Some(("cuda", number)) => number.parse::<usize>().ok(),
        _ => None,
    };
    let Some(number) = number else {
        return Err(TrainerError::job(format!("unknown device `{name}`"), "use `cpu`, `cuda` or `cuda:N`"));
    };
    open_cuda();
    let count = usize::try_from(Cuda::device_count()).unwrap_or(0);
    if number >= count {
        let message = format!("no device `{name}`: libtorch sees {count} CUDA devices");
        return Err(TrainerError::job(
            message,
            "use `cpu`, or install the full `torch` package on a machine with a GPU",
        ));
    }
    native::prepare_gpu();
    Ok(Device::Cuda(number))
}

/// The names of all devices of this machine.
#[must_use]
pub fn list() -> Vec<String> {
    open_cuda();
    let cuda = (0..Cuda::device_count()).map(|number| format!("cuda:{number}"));
    std::iter::once("cpu".to_owned()).chain(cuda).collect()
}

/// Opens `libtorch_cuda.so` beside the loaded libtorch; it registers itself. Without a driver or the library, nothing.
#[expect(clippy::print_stderr, reason = "words for people go to stderr, and this is no error")]
fn open_cuda() {
    if !Path::new("/dev/nvidiactl").exists() {
        return;
    }
    let Some(path) = loaded_libtorch().map(|cpu| cpu.with_file_name("libtorch_cuda.so")).filter(|path| path.exists())
    else {
        return;
    };
    // SAFETY: the library is of the same libtorch as the one that is loaded; its constructors only register kernels.
    match unsafe { Library::open(Some(&path), RTLD_NOW | RTLD_GLOBAL) } {
        Ok(library) => std::mem::forget(library),
        Err(error) => eprintln!("the GPU is not used: cannot open `{}`: {error}", path.display()),
    }
}

/// The file that the process's libtorch was loaded from.
fn loaded_libtorch() -> Option<PathBuf> {
    let maps = std::fs::read_to_string("/proc/self/maps").ok()?;
    let place =
        maps.lines().find_map(|line| line.find('/').map(|at| &line[at..]).filter(|p| p.ends_with("libtorch_cpu.so")));
    place.map(PathBuf::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_host_is_always_there_and_an_unknown_device_is_a_bad_job() {
        assert_eq!(find("cpu").expect("always there"), Device::Cpu);
        assert_eq!(find("tpu").expect_err("unknown").exit_code(), 2);
        assert_eq!(find("cuda:99").expect_err("too many").exit_code(), 2);
        assert_eq!(list()[0], "cpu");
        assert!(loaded_libtorch().is_some());
    }
}
