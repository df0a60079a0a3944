//! The lines of the dump: subject, predicate and object in angle brackets or quotes, with tabs between and ` .` after a tab.

use std::io::Result;

use super::World;
use crate::synth::name;
use crate::synth::random::Random;
use crate::synth::write::Raw;

/// A subject or an object with an id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Node {
    Film(usize),
    Person(usize),
    /// Between a film and an actor.
    Performance(usize),
    Company(usize),
    Country(usize),
    Genre(usize),
    /// What no link names: a number, and whether it comes before the films (0) or after all (1).
    Recording(u64, u8),
}

/// What stands third.
pub(super) enum Object {
    Node(Node),
    /// A type or a property.
    Schema(&'static str),
    /// The title of a film with its language; with quotes in it, if so.
    Title(usize, &'static str, bool),
    /// A name with its language.
    Name(usize, &'static str),
    /// A name of Wikipedia, whose special characters are written `$XXXX`.
    Key(usize),
    /// A text with line breaks, tabs, quotes and backslashes, all escaped.
    Description(usize),
    /// A year with its type.
    Year(u64),
    /// A name of a recording.
    Track(u64),
    /// A plain number in quotes.
    Length(u64),
}

/// The predicates, in the order of their bytes, which is that of the lines of a subject.
const PREDICATES: [(&str, &str); 24] = [
    ("key/wikipedia.en", "<http://rdf.freebase.com/key/wikipedia.en>"),
    ("common.topic.description", "<http://rdf.freebase.com/ns/common.topic.description>"),
    ("film.actor.film", "<http://rdf.freebase.com/ns/film.actor.film>"),
    ("film.director.film", "<http://rdf.freebase.com/ns/film.director.film>"),
    ("film.film.country", "<http://rdf.freebase.com/ns/film.film.country>"),
    ("film.film.directed_by", "<http://rdf.freebase.com/ns/film.film.directed_by>"),
    ("film.film.genre", "<http://rdf.freebase.com/ns/film.film.genre>"),
    ("film.film.initial_release_date", "<http://rdf.freebase.com/ns/film.film.initial_release_date>"),
    ("film.film.production_companies", "<http://rdf.freebase.com/ns/film.film.production_companies>"),
    ("film.film.starring", "<http://rdf.freebase.com/ns/film.film.starring>"),
    ("film.film.written_by", "<http://rdf.freebase.com/ns/film.film.written_by>"),
    ("film.film_genre.films_in_this_genre", "<http://rdf.freebase.com/ns/film.film_genre.films_in_this_genre>"),
    ("film.performance.actor", "<http://rdf.freebase.com/ns/film.performance.actor>"),
    ("film.performance.character", "<http://rdf.freebase.com/ns/film.performance.character>"),
    ("film.performance.film", "<http://rdf.freebase.com/ns/film.performance.film>"),
    ("film.production_company.films", "<http://rdf.freebase.com/ns/film.production_company.films>"),
    ("film.writer.film", "<http://rdf.freebase.com/ns/film.writer.film>"),
    ("music.recording.length", "<http://rdf.freebase.com/ns/music.recording.length>"),
    ("type.object.key", "<http://rdf.freebase.com/ns/type.object.key>"),
    ("type.object.name", "<http://rdf.freebase.com/ns/type.object.name>"),
    ("type.object.type", "<http://rdf.freebase.com/ns/type.object.type>"),
    ("type.property.reverse_property", "<http://rdf.freebase.com/ns/type.property.reverse_property>"),
    ("rdf-syntax-ns#type", "<http://www.w3.org/1999/02/22-rdf-syntax-ns#type>"),
    ("rdf-schema#label", "<http://www.w3.org/2000/01/rdf-schema#label>"),
];

/// Relations that name each other, in the order of their bytes.
const PAIRS: [(&str, &str); 5] = [
    ("film.film.directed_by", "film.director.film"),
    ("film.film.genre", "film.film_genre.films_in_this_genre"),
    ("film.film.production_companies", "film.production_company.films"),
    ("film.film.written_by", "film.writer.film"),
    ("film.performance.actor", "film.actor.film"),
];

/// What was written.
pub(super) struct Found {
    /// Lines by predicate.
    pub(super) relations: Vec<(&'static str, u64)>,
    /// Lines whose subject or object is a linked film.
    pub(super) touching: u64,
    /// Lines whose object is a literal.
    pub(super) literals: u64,
}

/// The dump under way.
pub(super) struct Dump<'a, 'w> {
    file: Raw<'a>,
    world: &'w World,
    rows: u64,
    counts: [u64; PREDICATES.len()],
    touching: u64,
    literals: u64,
}

impl<'a, 'w> Dump<'a, 'w> {
    /// A dump of at most so many lines.
    pub(super) fn new(file: Raw<'a>, world: &'w World, rows: u64) -> Self {
        Self { file, world, rows, counts: [0; PREDICATES.len()], touching: 0, literals: 0 }
    }

    /// Lines so far.
    pub(super) fn rows(&self) -> u64 {
        self.file.rows()
    }

    /// The file and what is in it.
    pub(super) fn finish(self) -> (Raw<'a>, Found) {
        let relations = PREDICATES.iter().zip(self.counts).map(|(predicate, count)| (predicate.0, count)).collect();
        (self.file, Found { relations, touching: self.touching, literals: self.literals })
    }

    /// Lines on properties, which come before all nodes.
    pub(super) fn schema(&mut self) -> Result<()> {
        for (one, other) in PAIRS {
            for (predicate, object) in
                [("type.object.type", "type.property"), ("type.property.reverse_property", other)]
            {
                self.file.text("<http://rdf.freebase.com/ns/").text(one).text(">\t");
                self.line(predicate, &Object::Schema(object))?;
            }
        }
        Ok(())
    }

    /// A line.
    pub(super) fn put(&mut self, subject: Node, predicate: &'static str, object: &Object) -> Result<()> {
        let linked = |node: Node| matches!(node, Node::Film(film) if self.world.linked(film));
        let touches = linked(subject) || matches!(object, Object::Node(node) if linked(*node));
        self.touching += u64::from(touches);
        self.file.text("<http://rdf.freebase.com/ns/");
        self.world.id(&mut self.file, subject);
        self.file.text(">\t");
        self.line(predicate, object)
    }

    /// All but the subject of a line.
    fn line(&mut self, predicate: &'static str, object: &Object) -> Result<()> {
        let place = PREDICATES.iter().position(|(name, _)| *name == predicate).unwrap_or(0);
        self.counts[place] += 1;
        self.file.text(PREDICATES[place].1).tab();
        self.object(object);
        self.file.text("\t.").end()
    }

    fn object(&mut self, object: &Object) {
        let Self { file, world, .. } = self;
        match object {
            Object::Node(node) => {
                file.text("<http://rdf.freebase.com/ns/");
                world.id(file, *node);
                file.byte(b'>');
                return;
            }
            Object::Schema(id) => {
                file.text("<http://rdf.freebase.com/ns/").text(id).byte(b'>');
                return;
            }
            Object::Title(film, language, quotes) => {
                file.byte(b'"');
                if *quotes {
                    file.text("\\\"The\\\" ");
                }
                world.movies.title(file, *film);
                file.text("\"@").text(language);
            }
            Object::Name(number, language) => {
                file.byte(b'"');
                world.name(file, *number, *language == "ja");
                file.text("\"@").text(language);
            }
            Object::Key(film) => {
                file.byte(b'"');
                name::word(file, &mut Random::of(world.seed ^ 5, *film as u64));
                file.text("_$0028").number(super::Movies::year(*film)).text("$0029\"");
            }
            Object::Description(film) => {
                file.text("\"A film:\\n\\\"");
                world.movies.title(file, *film);
                file.text("\\\".\\tSee also C:\\\\films, caf\u{e9}.\"@en");
            }
            Object::Year(year) => {
                file.byte(b'"').number(*year).text("\"^^<http://www.w3.org/2001/XMLSchema#gYear>");
            }
            Object::Track(number) => {
                file.byte(b'"');
                name::pair(file, &mut Random::new(*number));
                file.text("\"@en");
            }
            Object::Length(milliseconds) => {
                file.byte(b'"').number(milliseconds / 1000).byte(b'.').padded(milliseconds % 1000, 3).byte(b'"');
            }
        }
        self.literals += 1;
    }

    /// So many lines on recordings, in one of the two ranges of ids.
    pub(super) fn recordings(&mut self, lines: u64, range: u8, random: &mut Random) -> Result<()> {
        let end = (self.file.rows() + lines).min(self.rows);
        let mut number = 0;
        while self.file.rows() < end {
            // There are 2^30 numbers, of which not all are used.
            number += 1 + random.next() % 3;
            let node = Node::Recording(number, range);
            let wanted = [
                ("music.recording.length", Object::Length(60_000 + random.below(400_000) as u64)),
                ("type.object.key", Object::Length(random.below(1 << 30) as u64)),
                ("type.object.name", Object::Track(number)),
                ("type.object.type", Object::Schema("common.topic")),
                ("type.object.type", Object::Schema("music.recording")),
                ("rdf-syntax-ns#type", Object::Schema("music.recording")),
                ("rdf-schema#label", Object::Track(number)),
            ];
            for (predicate, object) in wanted.iter().take((end - self.file.rows()) as usize) {
                self.put(node, predicate, object)?;
            }
        }
        Ok(())
    }
}
