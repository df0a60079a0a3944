//! `/results/NAME`: the files of reports as they lie on disk.

use camino::Utf8Path;

use super::answer::{Answer, REPORT};
use crate::cli::CommandError;

/// What a browser is told of a kind of file; nothing of a kind that no report has.
pub(super) fn kind(extension: &str) -> Option<&'static str> {
    Some(match extension {
        "html" => "text/html; charset=utf-8",
        "svg" => "image/svg+xml",
        "json" => "application/json",
        "md" | "csv" | "tex" => "text/plain; charset=utf-8",
        _ => return None,
    })
}

pub(super) fn file(folder: &Utf8Path, name: &str) -> Result<Answer, CommandError> {
    // A name is one part of a path and nothing more: no way leads out of the folder.
    let plain = !name.starts_with('.') && !name.contains(['/', '\\', '\0']);
    let path = folder.join(name);
    let Some(kind) = path.extension().and_then(kind).filter(|_| plain) else {
        return Ok(Answer::nothing("such report"));
    };
    // A link that leads elsewhere is not followed.
    match fs_err::symlink_metadata(&path) {
        Ok(found) if found.is_file() => {}
        _ => return Ok(Answer::nothing("such report")),
    }
    Ok(Answer::of(kind, fs_err::read(&path)?).under(REPORT))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_leads_out_of_the_folder_of_results() {
        let scratch = tempfile::tempdir().unwrap();
        let root = Utf8Path::from_path(scratch.path()).unwrap();
        let results = root.join("results");
        fs_err::create_dir(&results).unwrap();
        for path in [root.join("secret.md"), results.join("e.md"), results.join("e.key"), results.join(".e.md")] {
            fs_err::write(path, "words").unwrap();
        }
        std::os::unix::fs::symlink(root.join("secret.md"), results.join("link.md")).unwrap();
        let status = |name: &str| file(&results, name).unwrap().status();
        assert_eq!(status("e.md"), 200);
        for name in
            ["../secret.md", "/etc/passwd", "link.md", "e.key", ".e.md", "..", "", "e.md/../../secret.md", "x.md"]
        {
            assert_eq!(status(name), 404, "{name}");
        }
    }
}
