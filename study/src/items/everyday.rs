//! Everyday sense: what things are for, what follows.

use super::{Draft, graded, others};
use crate::rng::Rng;

/// Thing and what it is for, from common to rare.
const THINGS: [(&str, &str); 40] = [
    ("a pen", "writing"),
    ("a bed", "sleeping"),
    ("a knife", "cutting"),
    ("a towel", "drying"),
    ("a broom", "sweeping"),
    ("a cup", "drinking"),
    ("a book", "reading"),
    ("a car", "driving"),
    ("soap", "washing"),
    ("an oven", "baking"),
    ("a camera", "taking pictures"),
    ("a needle", "sewing"),
    ("a shovel", "digging"),
    ("a boat", "crossing water"),
    ("a ladder", "climbing"),
    ("a lock", "keeping a door shut"),
    ("a clock", "telling the time"),
    ("a hammer", "driving nails"),
    ("a plane", "flying"),
    ("a fridge", "keeping food cold"),
    ("a scale", "weighing"),
    ("a compass", "finding north"),
    ("an umbrella", "staying dry"),
    ("a microscope", "seeing tiny things"),
    ("a telescope", "looking at stars"),
    ("a pillow", "resting the head"),
    ("a candle", "giving light"),
    ("a bandage", "covering a wound"),
    ("a stove", "cooking"),
    ("a map", "finding the way"),
    ("an anchor", "holding a ship in place"),
    ("a thimble", "protecting a finger"),
    ("a stethoscope", "listening to the heart"),
    ("a kiln", "firing pottery"),
    ("a sieve", "straining"),
    ("a loom", "weaving"),
    ("a plough", "turning soil"),
    ("a barometer", "measuring air pressure"),
    ("a chisel", "carving wood"),
    ("a metronome", "keeping time in music"),
];

/// What happened, what probably follows, and what does not, from plain to less plain.
const EVENTS: [(&str, &str, [&str; 4]); 32] = [
    ("It rained all night. In the morning the street was", "wet", ["dry", "hot", "loud", "sweet"]),
    ("Tom had not eaten all day. He was very", "hungry", ["full", "tall", "clean", "rich"]),
    ("She ran ten miles. Now she feels", "tired", ["rested", "cold", "bored", "blind"]),
    ("He put the ice in the sun. The ice", "melted", ["froze", "grew", "burned", "sang"]),
    (
        "The baby was crying. Her mother",
        "picked her up",
        ["sold the house", "ate a shoe", "painted a wall", "bought a lion"],
    ),
    ("The glass fell on the stone floor. It", "broke", ["flew", "melted", "grew", "slept"]),
    ("It was dark in the room, so she turned on the", "light", ["tap", "radio", "oven", "heating"]),
    ("The soup was too hot, so he", "waited", ["swam", "slept", "danced", "paid"]),
    ("He forgot his umbrella and got", "wet", ["rich", "lost", "older", "warm"]),
    (
        "The battery was empty. The phone",
        "switched off",
        ["rang", "grew", "caught a cold", "got louder"],
    ),
    (
        "She studied hard for the test and got",
        "a good mark",
        ["a cold", "a dog", "a red light", "a bad seat"],
    ),
    ("The dog saw a cat and", "chased it", ["read it", "paid it", "planted it", "wrote to it"]),
    (
        "It was snowing, so they put on",
        "warm coats",
        ["swimsuits", "sandals", "sunglasses", "pyjamas"],
    ),
    (
        "The shop was closed, so we",
        "went home",
        ["bought bread", "paid the bill", "tried on shoes", "stood in line to pay"],
    ),
    ("He cut his finger. It began to", "bleed", ["ring", "boil", "shine", "sing"]),
    (
        "The train was late, so she",
        "missed her meeting",
        ["came too early", "lost weight", "found a coin", "grew taller"],
    ),
    ("She watered the plants every day. They", "grew", ["shrank", "barked", "melted", "broke"]),
    (
        "The tyre was flat, so he",
        "pumped it up",
        ["drank it", "drove faster", "cut it in half", "put it in the oven"],
    ),
    (
        "The milk smelled sour, so she",
        "threw it away",
        ["drank it all", "gave it to the baby", "sold it", "washed it"],
    ),
    (
        "They lost the final match. They felt",
        "disappointed",
        ["proud", "hungry", "relieved", "amused"],
    ),
    (
        "The lake froze over. The children went",
        "skating",
        ["swimming", "sailing", "diving", "fishing from a boat"],
    ),
    (
        "He spoke too quietly, so nobody",
        "heard him",
        ["saw him", "smelled him", "fed him", "paid him"],
    ),
    ("The bread was a week old. It was", "stale", ["fresh", "juicy", "cold", "sour as lemon"]),
    (
        "She saved money for years and at last",
        "bought a house",
        ["lost her keys", "missed the bus", "owed a fortune", "caught a cold"],
    ),
    (
        "The road was icy, so the driver",
        "slowed down",
        ["sped up", "fell asleep", "opened the roof", "turned up the music"],
    ),
    (
        "The witness lied in court. Later he was",
        "punished",
        ["thanked", "promoted", "elected", "crowned"],
    ),
    (
        "The crops failed for lack of rain. The farmers",
        "lost money",
        ["had a feast", "built a dam of corn", "sold more grain", "drained the fields"],
    ),
    (
        "The roof leaked, so they put a",
        "bucket under it",
        ["lamp under it", "carpet on it", "candle on it", "mirror beside it"],
    ),
    (
        "He sold the shares just before the price fell. He was",
        "relieved",
        ["ruined", "furious", "ashamed", "sorry"],
    ),
    (
        "The jury found no proof, so the man was",
        "set free",
        ["sent to prison", "fined", "hired", "knighted"],
    ),
    (
        "The bridge was under repair, so the bus took",
        "a detour",
        ["a nap", "the bridge", "a ticket", "a passenger less"],
    ),
    (
        "The bank raised its rates, so fewer people",
        "took loans",
        ["saved money", "slept late", "cooked dinner", "read the news"],
    ),
];

pub(super) fn write(rng: &mut Rng, level: u8) -> Draft {
    let things = graded(&THINGS, level);
    match rng.below(3) {
        0 => {
            let (thing, gold) = *rng.pick(things);
            let uses: Vec<&str> = THINGS.iter().map(|thing| thing.1).collect();
            Draft {
                question: format!("What is {thing} used for?"),
                gold: gold.to_owned(),
                distractors: others(rng, &uses, gold),
            }
        }
        1 => {
            let (gold, task) = *rng.pick(things);
            let names: Vec<&str> =
                THINGS.iter().filter(|other| other.1 != task).map(|thing| thing.0).collect();
            Draft {
                question: format!("What would you use for {task}?"),
                gold: gold.to_owned(),
                distractors: others(rng, &names, gold),
            }
        }
        _ => {
            let (event, gold, wrong) = *rng.pick(graded(&EVENTS, level));
            Draft {
                question: format!("Complete the sentence: {event} ..."),
                gold: gold.to_owned(),
                distractors: wrong.map(str::to_owned).to_vec(),
            }
        }
    }
}
