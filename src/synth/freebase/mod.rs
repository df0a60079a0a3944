//! A made-up Freebase dump (raw-formats, section 5): N-Triples sorted by subject, in one gzip file, and the links of KB4Rec
//! (section 6) from the movies of a made-up MovieLens of the same seed and number of items. What is known of a film goes with
//! its brand and category, so knowledge tells what follows what. Most other lines are on recordings that no link names.

mod dump;

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::market::{BRAND, Market};
use super::movielens::Movies;
use super::name;
use super::random::{Random, Scramble};
use super::write::Desk;
use super::{Plan, SynthError};
use crate::diagnostic::Diagnostic;
use dump::{Dump, Node, Object};

/// Movies of MovieLens 20M, and those of them that KB4Rec links.
const REAL: (u64, u64) = (27_278, 25_982);
/// Lines that a film takes with all that belongs to it, at the most.
const LINES_PER_FILM: u64 = 60;
/// So many have ids of four digits.
const MOST_FILMS: usize = 1 << 20;
/// Lines a film where their number is not given.
const USUAL_LINES: u64 = 120;

const RULE: &str = "Films of a brand share director, lead actor, second genre, company and country; films of a category share the \
                    first genre, those of a category in a brand an actor, every fourth of a brand a writer. Film and \
                    director, writer, genre, company and the nodes of performances name each other in both directions.";

/// What a person does for a brand.
const ROLES: usize = 9;
const DIRECTOR: usize = 0;
const WRITER: usize = 1;
const ACTOR: usize = 4;
const LEAD: usize = 8;
/// Genres that go with a brand, beside the four of the categories.
const BRAND_GENRES: usize = 20;
const COUNTRIES: usize = 30;

/// Writes `freebase-rdf-latest` (packed with gzip unless told otherwise) and `ml2fb.txt`.
pub(super) fn write(desk: &mut Desk<'_>, plan: &Plan) -> Result<Value, SynthError> {
    let wanted = plan.items.unwrap_or_else(|| (plan.rows / USUAL_LINES).clamp(24, REAL.0) as usize);
    let mut random = Random::new(plan.seed);
    let movies = Movies::new(plan.seed, wanted, true, &mut random);
    let films = movies.walk.market.items();
    if films > MOST_FILMS {
        let message = format!("{films} films are more than there are ids for");
        return Err(Box::new(Diagnostic::new(message).help(format!("give `items` of {MOST_FILMS} or fewer"))).into());
    }
    let needed = films as u64 * LINES_PER_FILM + 500;
    if plan.rows < needed {
        let message = format!("{} lines are too few for {films} films", plan.rows);
        let help = format!("give `rows` of {needed} or more, or fewer `items`");
        return Err(Box::new(Diagnostic::new(message).help(help)).into());
    }
    let world = World::new(movies, plan.seed, &mut random);
    let mut links = desk.begin_plain("ml2fb.txt", None)?;
    for place in 0..films {
        let film = world.movies.at(place);
        if world.linked(film) {
            links.number(world.movies.number(film)).tab();
            world.id(&mut links, Node::Film(film));
            links.byte(b'\r').end()?;
        }
    }
    let linked = links.rows();
    desk.end(links)?;

    let mut dump = Dump::new(desk.begin("freebase-rdf-latest", None)?, &world, plan.rows);
    dump.schema()?;
    for sorted in [true, false] {
        world.films(&mut dump, sorted, &mut random)?;
        world.people(&mut dump, sorted, &mut random)?;
        if sorted {
            // Of the rest, a part lies before the films and a part after them.
            dump.recordings(plan.rows / 3, 0, &mut random)?;
        }
    }
    world.performances(&mut dump, &mut random)?;
    world.groups(&mut dump)?;
    let rest = plan.rows - dump.rows();
    dump.recordings(rest, 1, &mut random)?;
    let (file, found) = dump.finish();
    let rows = file.rows();
    desk.end(file)?;
    let relations: BTreeMap<&str, u64> = found.relations.into_iter().filter(|(_, count)| *count > 0).collect();
    Ok(json!({
        "rows": rows, "films": films, "linked": linked, "people": world.people.len(), "mediators": 2 * films,
        "lines_that_touch_a_link": found.touching, "literals": found.literals, "relations": relations, "rule": RULE,
    }))
}

/// An order of nodes of one kind.
struct Kind {
    order: Scramble,
    count: usize,
}

impl Kind {
    fn new(count: usize, random: &mut Random) -> Self {
        Self { order: Scramble::new(count, random), count }
    }

    fn len(&self) -> usize {
        self.count
    }

    /// The nodes in the order of their ids.
    fn sorted(&self) -> impl Iterator<Item = usize> {
        (0..self.count).map(|place| self.order.back(place as u64))
    }
}

/// All that there is, each with its id.
struct World {
    movies: Movies,
    films: Kind,
    people: Kind,
    performances: Kind,
    seed: u64,
}

impl World {
    fn new(movies: Movies, seed: u64, random: &mut Random) -> Self {
        let (films, brands) = (movies.walk.market.items(), movies.walk.market.brands());
        Self {
            films: Kind::new(films, random),
            people: Kind::new(brands * ROLES, random),
            performances: Kind::new(2 * films, random),
            movies,
            seed,
        }
    }

    /// Whether KB4Rec has a link to a film.
    fn linked(&self, film: usize) -> bool {
        Random::of(self.seed ^ 8, film as u64).below(REAL.0 as usize) < REAL.1 as usize
    }

    /// Whether the id of a film or a person begins with `g.`: few do.
    fn is_g(kind: &Kind, node: usize) -> bool {
        kind.order.of(node) % 666 == 5
    }

    fn person(brand: usize, role: usize) -> Node {
        Node::Person(brand * ROLES + role)
    }

    fn genres(film: usize) -> [Node; 2] {
        [Node::Genre(Market::category(film)), Node::Genre(4 + film / BRAND % BRAND_GENRES)]
    }

    fn company(film: usize) -> Node {
        Node::Company(film / BRAND / 3)
    }

    /// The lines on films: those with `g.` ids, which come first, or the others.
    fn films(&self, dump: &mut Dump<'_, '_>, g: bool, random: &mut Random) -> std::io::Result<()> {
        for film in self.films.sorted().filter(|film| Self::is_g(&self.films, *film) == g) {
            let (node, brand) = (Node::Film(film), film / BRAND);
            dump.put(node, "key/wikipedia.en", &Object::Key(film))?;
            if random.chance(0.3) {
                dump.put(node, "common.topic.description", &Object::Description(film))?;
            }
            dump.put(node, "film.film.country", &Object::Node(Node::Country(brand % COUNTRIES)))?;
            dump.put(node, "film.film.directed_by", &Object::Node(Self::person(brand, DIRECTOR)))?;
            for genre in Self::genres(film) {
                dump.put(node, "film.film.genre", &Object::Node(genre))?;
            }
            dump.put(node, "film.film.initial_release_date", &Object::Year(Movies::year(film)))?;
            dump.put(node, "film.film.production_companies", &Object::Node(Self::company(film)))?;
            for part in 0..2 {
                dump.put(node, "film.film.starring", &Object::Node(Node::Performance(2 * film + part)))?;
            }
            dump.put(node, "film.film.written_by", &Object::Node(Self::person(brand, WRITER + film % BRAND / 4)))?;
            dump.put(node, "type.object.name", &Object::Title(film, "en", random.chance(0.02)))?;
            if random.chance(0.4) {
                dump.put(node, "type.object.name", &Object::Title(film, "de", false))?;
            }
            dump.put(node, "type.object.type", &Object::Schema("common.topic"))?;
            dump.put(node, "type.object.type", &Object::Schema("film.film"))?;
            dump.put(node, "rdf-syntax-ns#type", &Object::Schema("film.film"))?;
            dump.put(node, "rdf-schema#label", &Object::Title(film, "en", false))?;
        }
        Ok(())
    }

    /// The lines on people.
    fn people(&self, dump: &mut Dump<'_, '_>, g: bool, random: &mut Random) -> std::io::Result<()> {
        for person in self.people.sorted().filter(|person| Self::is_g(&self.people, *person) == g) {
            let (node, brand, role) = (Node::Person(person), person / ROLES, person % ROLES);
            let films = brand * BRAND..(brand + 1) * BRAND;
            for film in films {
                match role {
                    DIRECTOR => dump.put(node, "film.director.film", &Object::Node(Node::Film(film)))?,
                    WRITER..ACTOR if film % BRAND / 4 == role - WRITER => {
                        dump.put(node, "film.writer.film", &Object::Node(Node::Film(film)))?;
                    }
                    ACTOR..LEAD if Market::category(film) == role - ACTOR => {
                        dump.put(node, "film.actor.film", &Object::Node(Node::Performance(2 * film + 1)))?;
                    }
                    LEAD => dump.put(node, "film.actor.film", &Object::Node(Node::Performance(2 * film)))?,
                    _ => {}
                }
            }
            dump.put(node, "type.object.name", &Object::Name(person, "en"))?;
            if random.chance(0.3) {
                dump.put(node, "type.object.name", &Object::Name(person, "ja"))?;
            }
            dump.put(node, "type.object.type", &Object::Schema("people.person"))?;
        }
        Ok(())
    }

    /// The lines on the nodes between film and actor.
    fn performances(&self, dump: &mut Dump<'_, '_>, random: &mut Random) -> std::io::Result<()> {
        for performance in self.performances.sorted() {
            let (node, film) = (Node::Performance(performance), performance / 2);
            let role = if performance % 2 == 0 { LEAD } else { ACTOR + Market::category(film) };
            dump.put(node, "film.performance.actor", &Object::Node(Self::person(film / BRAND, role)))?;
            if random.chance(0.3) {
                dump.put(node, "film.performance.character", &Object::Name(performance, "en"))?;
            }
            dump.put(node, "film.performance.film", &Object::Node(Node::Film(film)))?;
            dump.put(node, "type.object.type", &Object::Schema("film.performance"))?;
        }
        Ok(())
    }

    /// The lines on companies, countries and genres, of which some name thousands of films.
    fn groups(&self, dump: &mut Dump<'_, '_>) -> std::io::Result<()> {
        let (films, brands) = (self.films.len(), self.movies.walk.market.brands());
        for company in 0..brands.div_ceil(3) {
            let node = Node::Company(company);
            for film in company * 3 * BRAND..(company * 3 * BRAND + 3 * BRAND).min(films) {
                dump.put(node, "film.production_company.films", &Object::Node(Node::Film(film)))?;
            }
            dump.put(node, "type.object.name", &Object::Name(company, "en"))?;
        }
        for country in 0..COUNTRIES {
            dump.put(Node::Country(country), "type.object.type", &Object::Schema("location.country"))?;
        }
        for genre in 0..4 + BRAND_GENRES {
            let node = Node::Genre(genre);
            for film in (0..films).filter(|film| Self::genres(*film).contains(&node)) {
                dump.put(node, "film.film_genre.films_in_this_genre", &Object::Node(Node::Film(film)))?;
            }
            dump.put(node, "type.object.type", &Object::Schema("film.film_genre"))?;
        }
        Ok(())
    }

    /// The id of a node. Those of a kind begin alike and ascend with the order of the kind, so that the dump can be written
    /// in the order of subjects.
    fn id(&self, file: &mut super::write::Raw<'_>, node: Node) {
        match node {
            Node::Film(film) if Self::is_g(&self.films, film) => {
                file.text("g.11b");
                mid(file, self.films.order.of(film), 4);
            }
            Node::Film(film) => {
                file.text("m.02");
                mid(file, self.films.order.of(film), 4);
            }
            Node::Person(person) if Self::is_g(&self.people, person) => {
                file.text("g.11f");
                mid(file, self.people.order.of(person), 4);
            }
            Node::Person(person) => {
                file.text("m.05");
                mid(file, self.people.order.of(person), 4);
            }
            Node::Performance(performance) => {
                file.text("m.0b");
                mid(file, self.performances.order.of(performance), 5);
            }
            Node::Company(company) => {
                file.text("m.0c");
                mid(file, company as u64, 4);
            }
            Node::Country(country) => {
                file.text("m.0d");
                mid(file, country as u64, 3);
            }
            Node::Genre(genre) => {
                file.text("m.0g");
                mid(file, genre as u64, 3);
            }
            // The first ones come before the films, the second after all.
            Node::Recording(number, 0) => {
                file.text("m.01");
                mid(file, number, 6);
            }
            Node::Recording(number, _) => {
                file.text("m.0z");
                mid(file, number, 6);
            }
        }
    }

    /// The name of a person or a group.
    fn name(&self, file: &mut super::write::Raw<'_>, number: usize, foreign: bool) {
        let mut random = Random::of(self.seed ^ 9, number as u64);
        if foreign { name::signs(file, &mut random) } else { name::pair(file, &mut random) }
    }
}

/// The digits of an id, in the order of their bytes: numbers that ascend give texts that do.
fn mid(file: &mut super::write::Raw<'_>, number: u64, width: u32) {
    for place in (0..width).rev() {
        file.byte(b"0123456789_bcdfghjklmnpqrstvwxyz"[(number >> (5 * place) & 31) as usize]);
    }
}
