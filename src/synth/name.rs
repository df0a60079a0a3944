//! Made-up names of people, songs, films and places, in more scripts than one.

use super::random::Random;
use super::write::Raw;

const SYLLABLES: [&str; 32] = [
    "ba", "be", "bo", "da", "den", "do", "fa", "fen", "ga", "gor", "ha", "hel", "ja", "ka", "kel", "ko", "la", "len",
    "lo", "ma", "mi", "mon", "na", "no", "ra", "ri", "ro", "sa", "sen", "ta", "to", "vi",
];

const SIGNS: [&str; 24] = [
    "山", "川", "星", "月", "風", "雨", "花", "海", "天", "心", "日", "春", "夏", "秋", "冬", "光", "夜", "夢", "か",
    "な", "り", "사", "랑", "별",
];

const CAPITALS: [&str; 32] = [
    "Ba", "Be", "Bo", "Da", "Den", "Do", "Fa", "Fen", "Ga", "Gor", "Ha", "Hel", "Ja", "Ka", "Kel", "Ko", "La", "Len",
    "Lo", "Ma", "Mi", "Mon", "Na", "No", "Ra", "Ri", "Ro", "Sa", "Sen", "Ta", "To", "Vi",
];

/// The syllables of a word, two or three of them; the first has a capital letter.
fn syllables(random: &mut Random) -> [&'static str; 3] {
    let bits = random.next();
    let third = if bits >> 10 & 1 == 1 { SYLLABLES[(bits >> 11 & 31) as usize] } else { "" };
    [CAPITALS[(bits & 31) as usize], SYLLABLES[(bits >> 5 & 31) as usize], third]
}

/// A word as a text of its own.
pub(super) fn spelled(random: &mut Random) -> String {
    syllables(random).concat()
}

/// A word.
pub(super) fn word(file: &mut Raw<'_>, random: &mut Random) {
    for part in syllables(random) {
        file.text(part);
    }
}

/// Two to four signs of East Asian scripts.
pub(super) fn signs(file: &mut Raw<'_>, random: &mut Random) {
    for _ in 0..2 + random.below(3) {
        file.text(SIGNS[random.below(SIGNS.len())]);
    }
}

/// A name of two words.
pub(super) fn pair(file: &mut Raw<'_>, random: &mut Random) {
    word(file, random);
    file.byte(b' ');
    word(file, random);
}
