//! Plain facts of nature, the body, the sky, history and the arts.

use super::{Draft, graded};
use crate::rng::Rng;

/// Question, right answer and wrong answers, from well known to little known.
const FACTS: [(&str, &str, [&str; 4]); 80] = [
    ("What colour is the sky on a clear day?", "blue", ["green", "red", "yellow", "brown"]),
    ("How many legs does a spider have?", "eight", ["six", "four", "ten", "two"]),
    ("Which animal gives us milk?", "the cow", ["the hen", "the snake", "the eagle", "the frog"]),
    ("What do bees make?", "honey", ["milk", "silk", "bread", "cheese"]),
    ("What is frozen water called?", "ice", ["steam", "sand", "glass", "salt"]),
    ("Which planet do we live on?", "Earth", ["Mars", "Venus", "Jupiter", "Saturn"]),
    ("How many days are there in a week?", "seven", ["five", "six", "eight", "ten"]),
    ("What do you use to see?", "the eyes", ["the ears", "the nose", "the hands", "the feet"]),
    (
        "Which star is closest to the Earth?",
        "the Sun",
        ["the Moon", "Mars", "Sirius", "the North Star"],
    ),
    ("What is a baby cat called?", "a kitten", ["a puppy", "a calf", "a lamb", "a foal"]),
    ("What is a baby dog called?", "a puppy", ["a kitten", "a calf", "a cub", "a chick"]),
    ("How many sides does a triangle have?", "three", ["four", "five", "six", "two"]),
    (
        "Which season comes after winter?",
        "spring",
        ["summer", "autumn", "the rainy season", "harvest"],
    ),
    (
        "What is the tallest animal?",
        "the giraffe",
        ["the elephant", "the horse", "the camel", "the bear"],
    ),
    (
        "Which organ pumps blood?",
        "the heart",
        ["the liver", "the brain", "the lungs", "the stomach"],
    ),
    ("What do plants need to grow?", "sunlight", ["milk", "plastic", "iron", "sugar"]),
    (
        "Where does the Sun rise?",
        "in the east",
        ["in the west", "in the north", "in the south", "at the pole"],
    ),
    (
        "What is the largest animal on Earth?",
        "the blue whale",
        ["the elephant", "the shark", "the giraffe", "the bear"],
    ),
    ("What do caterpillars turn into?", "butterflies", ["spiders", "birds", "worms", "frogs"]),
    (
        "Which animal is known for building dams?",
        "the beaver",
        ["the rabbit", "the fox", "the otter", "the deer"],
    ),
    (
        "Which is the largest ocean?",
        "the Pacific",
        ["the Atlantic", "the Indian Ocean", "the Arctic", "the Baltic"],
    ),
    ("Which planet is known as the red planet?", "Mars", ["Venus", "Jupiter", "Saturn", "Mercury"]),
    ("Who wrote Romeo and Juliet?", "Shakespeare", ["Dickens", "Homer", "Goethe", "Tolstoy"]),
    ("Which gas do people need to breathe?", "oxygen", ["nitrogen", "helium", "hydrogen", "neon"]),
    (
        "Which is the largest planet of the solar system?",
        "Jupiter",
        ["Saturn", "Earth", "Mars", "Neptune"],
    ),
    (
        "What force pulls things to the ground?",
        "gravity",
        ["friction", "magnetism", "electricity", "pressure"],
    ),
    ("How many continents are there?", "seven", ["five", "six", "eight", "nine"]),
    (
        "Which is the longest river of South America?",
        "the Amazon",
        ["the Nile", "the Danube", "the Rhine", "the Volga"],
    ),
    (
        "Which is the highest mountain on Earth?",
        "Mount Everest",
        ["Mont Blanc", "Kilimanjaro", "Mount Fuji", "the Matterhorn"],
    ),
    (
        "Who painted the Mona Lisa?",
        "Leonardo da Vinci",
        ["Picasso", "Van Gogh", "Rembrandt", "Monet"],
    ),
    ("At how many degrees Celsius does water boil?", "100", ["50", "90", "120", "212"]),
    ("What is the hardest natural material?", "diamond", ["gold", "iron", "quartz", "marble"]),
    ("Which metal is liquid at room temperature?", "mercury", ["iron", "lead", "tin", "copper"]),
    ("In which country are the pyramids of Giza?", "Egypt", ["Mexico", "Greece", "India", "Iraq"]),
    (
        "Which language is spoken in Brazil?",
        "Portuguese",
        ["Spanish", "French", "English", "Italian"],
    ),
    (
        "What is the currency of Japan?",
        "the yen",
        ["the won", "the yuan", "the dollar", "the rupee"],
    ),
    ("Which planet has the best known rings?", "Saturn", ["Mars", "Venus", "Earth", "Mercury"]),
    (
        "Who developed the theory of relativity?",
        "Einstein",
        ["Newton", "Darwin", "Galileo", "Edison"],
    ),
    (
        "Which organ do we think with?",
        "the brain",
        ["the heart", "the liver", "the kidney", "the spine"],
    ),
    ("Which is the smallest prime number?", "2", ["0", "1", "3", "5"]),
    (
        "Which gas do plants take in from the air?",
        "carbon dioxide",
        ["oxygen", "helium", "methane", "argon"],
    ),
    ("In which year did the Second World War end?", "1945", ["1918", "1939", "1950", "1963"]),
    (
        "Who was the first person to walk on the Moon?",
        "Neil Armstrong",
        ["Yuri Gagarin", "Buzz Aldrin", "John Glenn", "Alan Shepard"],
    ),
    ("How many bones does an adult human have?", "206", ["106", "150", "306", "412"]),
    (
        "Which vitamin does the skin make in sunlight?",
        "vitamin D",
        ["vitamin A", "vitamin C", "vitamin K", "vitamin B12"],
    ),
    (
        "What is the study of living things called?",
        "biology",
        ["geology", "physics", "astronomy", "history"],
    ),
    (
        "What is the main gas of the air?",
        "nitrogen",
        ["oxygen", "carbon dioxide", "hydrogen", "argon"],
    ),
    (
        "Who discovered penicillin?",
        "Alexander Fleming",
        ["Louis Pasteur", "Marie Curie", "Isaac Newton", "Robert Koch"],
    ),
    ("In which city is the Colosseum?", "Rome", ["Athens", "Paris", "Madrid", "Istanbul"]),
    (
        "Which is the longest bone of the body?",
        "the thigh bone",
        ["the shin bone", "the jaw", "the collarbone", "the rib"],
    ),
    ("What does a thermometer measure?", "temperature", ["pressure", "weight", "speed", "length"]),
    (
        "What is the largest desert of Africa?",
        "the Sahara",
        ["the Gobi", "the Kalahari", "the Namib", "the Atacama"],
    ),
    ("How many strings does a violin have?", "four", ["five", "six", "seven", "eight"]),
    (
        "Which instrument has 88 keys?",
        "the piano",
        ["the organ", "the flute", "the trumpet", "the harp"],
    ),
    (
        "Who wrote The Origin of Species?",
        "Charles Darwin",
        ["Gregor Mendel", "Isaac Newton", "Karl Marx", "Aristotle"],
    ),
    ("Which planet is closest to the Sun?", "Mercury", ["Venus", "Mars", "Earth", "Neptune"]),
    (
        "What is the process by which plants make food?",
        "photosynthesis",
        ["respiration", "digestion", "fermentation", "evaporation"],
    ),
    (
        "Which part of the cell holds the DNA?",
        "the nucleus",
        ["the membrane", "the wall", "the cytoplasm", "the vacuole"],
    ),
    ("In which sport is a shuttlecock used?", "badminton", ["tennis", "cricket", "hockey", "golf"]),
    (
        "Which sea lies between Europe and Africa?",
        "the Mediterranean",
        ["the Baltic", "the Caspian", "the Red Sea", "the North Sea"],
    ),
    (
        "What is the unit of electric current?",
        "the ampere",
        ["the volt", "the watt", "the ohm", "the joule"],
    ),
    ("Who composed the Moonlight Sonata?", "Beethoven", ["Mozart", "Bach", "Chopin", "Vivaldi"]),
    (
        "Which country has the most natural lakes?",
        "Canada",
        ["Brazil", "Finland", "Russia", "Sweden"],
    ),
    ("What is the chemical formula of table salt?", "NaCl", ["H2O", "CO2", "KCl", "HCl"]),
    ("Who wrote Don Quixote?", "Cervantes", ["Dante", "Borges", "Goethe", "Moliere"]),
    (
        "Which blood cells fight infection?",
        "white blood cells",
        ["red blood cells", "platelets", "nerve cells", "fat cells"],
    ),
    (
        "What is the unit of force?",
        "the newton",
        ["the joule", "the watt", "the pascal", "the kelvin"],
    ),
    ("In which year did Columbus reach America?", "1492", ["1392", "1512", "1592", "1776"]),
    (
        "Which strait separates Spain from Morocco?",
        "Gibraltar",
        ["Bosporus", "Hormuz", "Bering", "Malacca"],
    ),
    (
        "Which is the smallest country of the world?",
        "Vatican City",
        ["Monaco", "Malta", "Andorra", "San Marino"],
    ),
    ("How many chromosomes does a human cell have?", "46", ["23", "44", "48", "64"]),
    ("Which planet turns on its side?", "Uranus", ["Neptune", "Mars", "Venus", "Jupiter"]),
    ("Who painted the Night Watch?", "Rembrandt", ["Vermeer", "Rubens", "Monet", "Goya"]),
    (
        "What is the capital of the state of California?",
        "Sacramento",
        ["Los Angeles", "San Francisco", "San Diego", "Oakland"],
    ),
    (
        "Which acid is in vinegar?",
        "acetic acid",
        ["citric acid", "lactic acid", "nitric acid", "sulfuric acid"],
    ),
    (
        "Which layer of the Earth lies below the crust?",
        "the mantle",
        ["the core", "the ozone layer", "the ocean", "the magma chamber"],
    ),
    (
        "In which organ is insulin made?",
        "the pancreas",
        ["the liver", "the kidney", "the spleen", "the stomach"],
    ),
    (
        "Which metal is the best conductor of electricity?",
        "silver",
        ["copper", "gold", "iron", "aluminium"],
    ),
    (
        "Which philosopher taught Alexander the Great?",
        "Aristotle",
        ["Plato", "Socrates", "Epicurus", "Seneca"],
    ),
    ("What is the square root of 169?", "13", ["12", "14", "17", "19"]),
];

pub(super) fn write(rng: &mut Rng, level: u8) -> Draft {
    let (question, gold, wrong) = *rng.pick(graded(&FACTS, level));
    Draft {
        question: question.to_owned(),
        gold: gold.to_owned(),
        distractors: wrong.map(str::to_owned).to_vec(),
    }
}
