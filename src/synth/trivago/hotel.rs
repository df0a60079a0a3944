//! Towns, and what hotels have: most properties go with the brand, the stars with the category.

use crate::synth::market::{BRAND, Market};
use crate::synth::name;
use crate::synth::random::Random;
use crate::synth::write::Raw;

/// Countries, each with its platform.
const COUNTRIES: [(&str, &str); 16] = [
    ("Austria", "AT"),
    ("Brazil", "BR"),
    ("USA", "US"),
    ("Russia", "RU"),
    ("Colombia", "CO"),
    ("Canada", "CA"),
    ("Mexico", "MX"),
    ("Italy", "IT"),
    ("India", "IN"),
    ("Japan", "JP"),
    ("Spain", "ES"),
    ("Germany", "DE"),
    ("France", "FR"),
    ("United Kingdom", "UK"),
    ("Australia", "AU"),
    ("Portugal", "PT"),
];
/// Properties in the order in which items list them.
const PROPERTIES: [&str; 64] = [
    "Satellite TV",
    "Golf Course",
    "Airport Shuttle",
    "Safe (Hotel)",
    "Telephone",
    "Hotel",
    "Reception (24/7)",
    "Air Conditioning",
    "Cable TV",
    "Hotel Bar",
    "Pool Table",
    "Bathtub",
    "Room Service",
    "Luxury Hotel",
    "Terrace (Hotel)",
    "Television",
    "Business Hotel",
    "Shower",
    "Cot",
    "Gym",
    "Hairdryer",
    "Beach",
    "Massage",
    "From 2 Stars",
    "From 3 Stars",
    "From 4 Stars",
    "Radio",
    "Family Friendly",
    "Desk",
    "Tennis Court",
    "Balcony",
    "WiFi (Public Areas)",
    "WiFi (Rooms)",
    "Openable Windows",
    "Restaurant",
    "Laundry Service",
    "Ironing Board",
    "Business Centre",
    "Bowling",
    "Conference Rooms",
    "Electric Kettle",
    "Sauna",
    "Bike Rental",
    "Free WiFi (Rooms)",
    "Non-Smoking Rooms",
    "Playground",
    "Car Park",
    "Safe (Rooms)",
    "Fitness",
    "Swimming Pool (Indoor)",
    "Swimming Pool (Outdoor)",
    "Flatscreen TV",
    "Honeymoon",
    "Pet Friendly",
    "Lift",
    "Central Heating",
    "Fridge",
    "Microwave",
    "Washing Machine",
    "Fan",
    "Skiing",
    "Ski Resort",
    "Camping Site",
    "Romantic",
];
/// The property that tells a category.
const STARS: [&str; 4] = ["2 Star", "3 Star", "4 Star", "5 Star"];

/// Most properties go with the brand, the stars with the category, and some with nothing.
pub(super) fn properties(file: &mut Raw<'_>, seed: u64, item: usize) {
    let mut brand = Random::of(seed ^ 2, (item / BRAND) as u64);
    let mut own = Random::of(seed ^ 3, item as u64);
    let changed = own.next() & own.next() & own.next() & own.next();
    let has = brand.next() ^ changed;
    for (place, property) in PROPERTIES.iter().enumerate() {
        if has >> place & 1 == 1 {
            file.text(property).byte(b'|');
        }
    }
    file.text(STARS[Market::category(item)]);
}

/// A town with its platform.
pub(super) struct Place {
    /// As a field: quoted, since there is a comma in it.
    pub(super) city: String,
    pub(super) platform: &'static str,
    /// A point of interest.
    pub(super) sight: String,
}

impl Place {
    pub(super) fn new(random: &mut Random) -> Self {
        let (country, platform) = COUNTRIES[random.below(COUNTRIES.len())];
        let sight = format!("{} {}", name::spelled(random), ["Station", "Tower", "Airport", "Bridge"][random.below(4)]);
        Self { city: format!("\"{}, {country}\"", name::spelled(random)), platform, sight }
    }
}
