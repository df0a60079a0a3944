//! MovieLens: 1M (`ratings.dat`, `movies.dat`, `users.dat`: parted by `::`, no header, ISO-8859-1) and the layout of 20M
//! and latest (`ratings.csv`, `movies.csv`), told apart by which ratings are there. The year of a film is the number in
//! brackets at the end of its title. `links.csv`, `tags.csv` and the genome are not read; MovieLens 100K numbers its films
//! otherwise and is no such set.

use super::draft::{Draft, Drafts};
use super::intake::Intake;
use super::keys::Key;
use super::known::Values;
use super::raw::{Delimiter, Encoding, Fault, Form, Row};
use super::{Options, Ratings};
use crate::data::events::{Clock, Group};
use crate::engine::stage::{StageError, Task};

const RATING: &[&str] = &["userId", "movieId", "rating", "timestamp"];
const MOVIE: &[&str] = &["movieId", "title", "genres"];
const USER: &[&str] = &["userId", "gender", "age", "occupation", "zip"];
const ATTRIBUTES: &[&str] = &["title", "year", "genres"];

/// The layout of 1M.
const fn with_colons(names: &'static [&'static str]) -> Form<'static> {
    let form = Form::csv(names).without_header();
    Form { delimiter: Delimiter::TwoColons, quoted: false, encoding: Encoding::Latin1, ..form }
}

/// Reads the files.
///
/// # Errors
/// A missing file, or bad rows.
pub(super) fn ingest(task: &Task<'_>, options: &Options) -> Result<(), StageError> {
    let mut intake = Intake::create(task, options.bad_rows, Clock::Seconds, Group::User)?;
    let parse = |row: &Row<'_>, drafts: &mut Drafts| event(row, options.ratings, drafts);
    let (old, new) = (intake.raw().find("ratings.dat")?, intake.raw().find("ratings.csv")?);
    match (old, new) {
        (Some(ratings), None) => {
            let (movies, users) = (intake.raw().require("movies.dat")?, intake.raw().find("users.dat")?);
            intake.log(&ratings, &with_colons(RATING), parse)?;
            intake.items(&movies, &with_colons(MOVIE), ATTRIBUTES, movie)?;
            if let Some(users) = users {
                intake.users(&users, &with_colons(USER), &USER[1..], person)?;
            }
        }
        (None, Some(ratings)) => {
            let movies = intake.raw().require("movies.csv")?;
            intake.log(&ratings, &Form::csv(RATING), parse)?;
            intake.items(&movies, &Form::csv(MOVIE), ATTRIBUTES, movie)?;
        }
        (Some(_), Some(_)) => return Err(intake.raw().either("ratings.dat", "ratings.csv").into()),
        (None, None) => return Err(intake.raw().neither("ratings.dat", "ratings.csv").into()),
    }
    intake.finish()
}

/// A rating.
fn event(row: &Row<'_>, ratings: Ratings, drafts: &mut Drafts) -> Result<(), Fault> {
    let draft = Draft {
        user: drafts.number(row, 0)?,
        item: drafts.number(row, 1)?,
        operation: drafts.rated(row, 2, ratings)?,
        time: Some(row.number(3)?),
        session: Key::NONE,
        order: None,
        part: None,
    };
    drafts.push(draft);
    Ok(())
}

/// A film.
fn movie(row: &Row<'_>, values: &mut Values) -> Result<(), Fault> {
    values.name(row.digits(0)?);
    let text = row.text(1)?;
    let (title, year) = parted(&text);
    if year.is_none() {
        values.tally.add("films whose title names no year");
    }
    values.push(Some(title));
    values.push(year);
    let genres = row.text(2)?;
    values.push(Some(genres.as_ref()).filter(|genres| *genres != "(no genres listed)"));
    Ok(())
}

/// A title and the year at its end. A title with anything but one year of four digits there is left whole.
fn parted(text: &str) -> (&str, Option<&str>) {
    let year = text.strip_suffix(')').and_then(|text| text.rsplit_once('('));
    match year {
        Some((title, year)) if year.len() == 4 && year.bytes().all(|byte| byte.is_ascii_digit()) => {
            (title.trim_end(), Some(year))
        }
        _ => (text, None),
    }
}

/// A user.
fn person(row: &Row<'_>, values: &mut Values) -> Result<(), Fault> {
    values.name(row.digits(0)?);
    for column in 1..USER.len() {
        values.push(Some(&row.text(column)?));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::Format;
    use super::super::tests::{Ingested, ingested};
    use super::*;

    fn read(ratings: Ratings, files: &[(&str, &[u8])]) -> Result<Ingested, StageError> {
        ingested(Format::Movielens, &Options { ratings, ..Options::default() }, files)
    }

    fn attribute(made: &Ingested, name: &str) -> Vec<Option<String>> {
        let (_, column) = made.items.attributes.iter().find(|(known, _)| known == name).unwrap();
        column.iter().map(|value| value.map(str::to_owned)).collect()
    }

    fn some(values: &[&str]) -> Vec<Option<String>> {
        values.iter().map(|value| Some((*value).to_owned()).filter(|value| !value.is_empty())).collect()
    }

    const OLD: [(&str, &[u8]); 3] = [
        ("ratings.dat", b"12::3405::4::965330001\n12::7::5::965330001\n"),
        ("movies.dat", b"7::Mis\xe9rables, Les: 2 (1995)::Drama|Musical\n3405::Saludos::Comedy\n9::X (19??)::\n"),
        ("users.dat", b"12::F::25::10::48067-1234\n"),
    ];

    #[test]
    fn the_layout_of_1m_is_read_with_its_letters_and_single_colons() {
        let made = read(Ratings::Ignored, &OLD).unwrap();
        let found: Vec<_> = made.events.iter().map(|e| (e.0.as_str(), e.2.as_str(), e.3.as_str(), e.4)).collect();
        assert_eq!(found, [("12", "3405", "rate", 965_330_001), ("12", "7", "rate", 965_330_001)]);
        assert_eq!(attribute(&made, "title"), some(&["Saludos", "Misérables, Les: 2", "X (19??)"]));
        assert_eq!(attribute(&made, "year"), some(&["", "1995", ""]));
        assert_eq!(attribute(&made, "genres"), some(&["Comedy", "Drama|Musical", ""]));
        assert_eq!(made.notes["films whose title names no year"], 2);
        assert_eq!(made.notes["users"], 1);
    }

    #[test]
    fn the_layout_of_20m_is_read_and_ratings_are_operations_on_request() {
        let ratings = "\u{feff}userId,movieId,rating,timestamp\r\n1,3405,3.5,1112486027\r\n1,7,4.0,1112486027\r\n";
        let movies = "movieId,title,genres\r\n7,\"American President, The (1995) \",(no genres listed)\r\n";
        let files = [("ratings.csv", ratings.as_bytes()), ("movies.csv", movies.as_bytes())];
        let made = read(Ratings::Operations, &files).unwrap();
        let found: Vec<_> = made.events.iter().map(|e| (e.2.as_str(), e.3.as_str())).collect();
        assert_eq!(found, [("3405", "3.5"), ("7", "4")]);
        assert_eq!(attribute(&made, "title"), some(&["", "American President, The"]));
        assert_eq!(attribute(&made, "genres"), some(&["", ""]));
    }

    #[test]
    fn a_rating_that_is_none_names_its_place() {
        let mut files = OLD;
        files[0].1 = b"12::3405::4::965330001\n12::7::5,0::965330001\n";
        let Err(StageError::Data(error)) = read(Ratings::Ignored, &files) else { panic!() };
        let at = error.location.unwrap();
        assert_eq!((at.line, at.column), (2, 8));
    }

    #[test]
    fn both_layouts_at_once_and_neither_are_refused() {
        let both = [OLD[0], OLD[1], ("ratings.csv", b"userId,movieId,rating,timestamp\n".as_slice())];
        let error = read(Ratings::Ignored, &both).unwrap_err().to_string();
        assert!(error.contains("both `ratings.dat` and `ratings.csv`"), "{error}");
        let error = read(Ratings::Ignored, &OLD[1..]).unwrap_err().to_string();
        assert!(error.contains("neither `ratings.dat` nor `ratings.csv`"), "{error}");
    }
}
