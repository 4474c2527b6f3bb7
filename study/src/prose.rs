//! Running text for perplexity and for the importance matrix: small stories from templates.

use crate::rng::Rng;

const NAMES: [&str; 14] = [
    "Anna", "Robert", "Maria", "Daniel", "Helen", "Victor", "Clara", "Simon", "Irene", "Hugo",
    "Martha", "Felix", "Nora", "George",
];
const JOBS: [&str; 10] = [
    "baker",
    "teacher",
    "sailor",
    "farmer",
    "doctor",
    "clockmaker",
    "gardener",
    "painter",
    "driver",
    "nurse",
];
const TOWNS: [&str; 8] = [
    "a small town by the sea",
    "a village in the hills",
    "a street near the old market",
    "a house at the edge of the forest",
    "a city with many bridges",
    "a valley full of apple trees",
    "an island in the north",
    "a flat above the post office",
];
const THINGS: [&str; 10] = [
    "a letter without a name",
    "an old map",
    "a wooden box",
    "a silver key",
    "a broken watch",
    "a basket of eggs",
    "a photograph of her grandmother",
    "a bag of coins",
    "a book about birds",
    "a small grey cat",
];
const WEATHER: [&str; 8] = [
    "It had been raining for three days",
    "The sun was already low",
    "A cold wind came from the river",
    "Snow lay on all the roofs",
    "The first warm morning of the year had come",
    "Fog hung between the trees",
    "The night was clear and full of stars",
    "Thunder rolled far away",
];
const FEELINGS: [&str; 8] = [
    "was glad",
    "was surprised",
    "felt tired",
    "felt afraid for a moment",
    "began to laugh",
    "did not know what to say",
    "smiled",
    "became very quiet",
];
const ENDINGS: [&str; 10] = [
    "In the end nothing was lost, and everyone went home for dinner.",
    "Since that day the door has never been locked again.",
    "People in the street still talk about it.",
    "The next morning everything looked as it always had.",
    "It took a whole year before the truth came out.",
    "They agreed to meet again when the summer was over.",
    "No one ever found out who had sent it.",
    "That is how the shop got its name.",
    "After that, the two of them were friends for life.",
    "And yet the most important question remained without an answer.",
];
const REMARKS: [&str; 14] = [
    "Most of the water on the Earth is salt water, and only a small part of it can be drunk.",
    "A clock is only useful if somebody remembers to wind it.",
    "Bread needs flour, water, salt, and above all time.",
    "In winter the days are short because that half of the Earth is turned away from the sun.",
    "A good map shows not only where the roads are but also where they are not.",
    "Trees grow a new ring every year, so one can count how old they were when they fell.",
    "The heart of a child beats faster than the heart of an adult.",
    "Iron rusts when it is left out in the rain.",
    "If a number can be divided by two without a rest, it is called even.",
    "Sound needs air or water to travel, while light can cross empty space.",
    "Copper is a metal of reddish colour that carries electricity well.",
    "A week has seven days, and a leap year has one day more than other years.",
    "Bees tell each other by a dance where the flowers are.",
    "The opposite of a mistake is not always the truth.",
];

/// A text of `stories` short stories, drawn by `label`.
pub fn text(seed: u64, label: &str, stories: usize) -> String {
    let mut rng = Rng::new(seed, label);
    (0..stories).map(|_| story(&mut rng)).collect::<Vec<_>>().join("\n\n")
}

fn story(rng: &mut Rng) -> String {
    let people = rng.sample(&NAMES, 2);
    let (first, second) = (people[0], people[1]);
    let (thing, number) = (*rng.pick(&THINGS), rng.between(2, 12));
    let short = thing.trim_start_matches("an ").trim_start_matches("a ");
    let mut sentences = vec![
        format!("{first} was a {} and lived in {}.", rng.pick(&JOBS), rng.pick(&TOWNS)),
        format!("{} when there was a knock at the door.", rng.pick(&WEATHER)),
        format!("Outside stood {second}, who had brought {thing}."),
        format!("{first} {} and asked {second} to come in.", rng.pick(&FEELINGS)),
        format!(
            "\"I found it {number} days ago,\" said {second}, \"and I thought you should have it.\""
        ),
        rng.pick(&REMARKS).to_string(),
        format!("They put the {short} on the table and looked at it for a long time."),
        format!("{second} {}.", rng.pick(&FEELINGS)),
        format!("\"What would you do with it?\" asked {first} after a while."),
        format!(
            "\"I would keep it until the {}th of {},\" was the answer.",
            rng.between(4, 20),
            rng.pick(&["May", "June", "August", "October"])
        ),
    ];
    let dropped = 5 + rng.below(4);
    sentences.remove(dropped);
    sentences.push(rng.pick(&REMARKS).to_string());
    sentences.push(rng.pick(&ENDINGS).to_string());
    sentences.join(" ")
}

#[cfg(test)]
mod tests {
    use super::text;

    #[test]
    fn texts_are_reproducible_and_differ_by_label() {
        assert_eq!(text(1, "perplexity", 3), text(1, "perplexity", 3));
        assert_ne!(text(1, "perplexity", 3), text(1, "importance", 3));
        assert_eq!(text(1, "perplexity", 3).matches("\n\n").count(), 2);
    }
}
