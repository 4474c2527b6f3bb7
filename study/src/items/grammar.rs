//! English grammar: past tenses, plurals, agreement, little words.

use super::{Draft, graded};
use crate::rng::Rng;

/// Verb, past tense and three forms that are wrong after "Yesterday she".
const VERBS: [(&str, &str, [&str; 3]); 28] = [
    ("walk", "walked", ["walk", "walking", "walks"]),
    ("play", "played", ["play", "playing", "plays"]),
    ("go", "went", ["go", "goed", "gone"]),
    ("eat", "ate", ["eat", "eated", "eaten"]),
    ("see", "saw", ["see", "seed", "seen"]),
    ("take", "took", ["take", "taked", "taken"]),
    ("write", "wrote", ["write", "writed", "written"]),
    ("give", "gave", ["give", "gived", "given"]),
    ("come", "came", ["come", "comed", "comes"]),
    ("buy", "bought", ["buy", "buyed", "buys"]),
    ("run", "ran", ["run", "runned", "running"]),
    ("sing", "sang", ["sing", "singed", "sung"]),
    ("drink", "drank", ["drink", "drinked", "drunk"]),
    ("teach", "taught", ["teach", "teached", "teaches"]),
    ("catch", "caught", ["catch", "catched", "catches"]),
    ("swim", "swam", ["swim", "swimmed", "swum"]),
    ("fly", "flew", ["fly", "flied", "flown"]),
    ("draw", "drew", ["draw", "drawed", "drawn"]),
    ("choose", "chose", ["choose", "choosed", "chosen"]),
    ("break", "broke", ["break", "breaked", "broken"]),
    ("freeze", "froze", ["freeze", "freezed", "frozen"]),
    ("steal", "stole", ["steal", "stealed", "stolen"]),
    ("tear", "tore", ["tear", "teared", "torn"]),
    ("swear", "swore", ["swear", "sweared", "sworn"]),
    ("shrink", "shrank", ["shrink", "shrinked", "shrunk"]),
    ("seek", "sought", ["seek", "seeked", "seeks"]),
    ("weave", "wove", ["weave", "weaved", "woven"]),
    ("strive", "strove", ["strive", "strived", "striven"]),
];

/// Noun, plural and three wrong plurals.
const NOUNS: [(&str, &str, [&str; 3]); 24] = [
    ("box", "boxes", ["boxs", "boxen", "boxies"]),
    ("city", "cities", ["citys", "cityes", "citis"]),
    ("child", "children", ["childs", "childes", "childrens"]),
    ("man", "men", ["mans", "mens", "manes"]),
    ("foot", "feet", ["foots", "feets", "footes"]),
    ("tooth", "teeth", ["tooths", "teeths", "toothes"]),
    ("mouse", "mice", ["mouses", "mices", "mousen"]),
    ("knife", "knives", ["knifes", "knifs", "knive"]),
    ("leaf", "leaves", ["leafs", "leafes", "leavs"]),
    ("wolf", "wolves", ["wolfs", "wolfes", "wolvs"]),
    ("party", "parties", ["partys", "partyes", "partis"]),
    ("bus", "buses", ["bus", "busies", "busen"]),
    ("goose", "geese", ["gooses", "geeses", "goosen"]),
    ("potato", "potatoes", ["potatos", "potaties", "potatoe"]),
    ("woman", "women", ["womans", "womens", "womanes"]),
    ("sheep", "sheep", ["sheeps", "sheepes", "sheepen"]),
    ("hero", "heroes", ["heros", "heries", "heroen"]),
    ("shelf", "shelves", ["shelfs", "shelfes", "shelvs"]),
    ("crisis", "crises", ["crisises", "crisis", "crisi"]),
    ("ox", "oxen", ["oxes", "oxs", "oxies"]),
    ("deer", "deer", ["deers", "deeres", "deeren"]),
    ("thesis", "theses", ["thesises", "thesis", "thesi"]),
    ("fungus", "fungi", ["fungusen", "funga", "funges"]),
    ("criterion", "criteria", ["criterions", "criterias", "criterion"]),
];

/// A sentence with a gap, the word that fills it, and three that do not.
const GAPS: [(&str, &str, [&str; 3]); 32] = [
    ("She ___ a doctor.", "is", ["are", "am", "be"]),
    ("They ___ very tired.", "are", ["is", "am", "be"]),
    ("I ___ ten years old.", "am", ["is", "are", "be"]),
    ("He is afraid ___ dogs.", "of", ["at", "on", "by"]),
    ("The dogs ___ every night.", "bark", ["barks", "barking", "to bark"]),
    ("She is ___ than her brother.", "taller", ["tall", "tallest", "more tall"]),
    ("We went home ___ it was late.", "because", ["but", "unless", "so"]),
    ("He has ___ umbrella.", "an", ["a", "some", "many"]),
    ("The cat licked ___ paw.", "its", ["it's", "his'", "their's"]),
    ("My sister and I ___ to school by bus.", "go", ["goes", "going", "gone"]),
    ("There isn't ___ milk left.", "any", ["some", "many", "a"]),
    ("This is the ___ day of my life.", "best", ["better", "good", "most good"]),
    ("She was born ___ May.", "in", ["on", "at", "by"]),
    ("The meeting is ___ Monday.", "on", ["in", "at", "of"]),
    ("He plays football very ___.", "well", ["good", "better than", "best of"]),
    ("How ___ apples do you want?", "many", ["much", "any", "lot"]),
    ("If I ___ rich, I would travel.", "were", ["am", "be", "will be"]),
    ("She has lived here ___ 2010.", "since", ["for", "from", "during"]),
    ("He is good ___ drawing.", "at", ["in", "on", "of"]),
    ("The book ___ by a famous author.", "was written", ["wrote", "has writing", "was wrote"]),
    ("Neither of them ___ right.", "is", ["were being", "be", "being"]),
    ("I look forward to ___ you.", "seeing", ["see", "seen", "saw"]),
    ("He made me ___ the dishes.", "wash", ["to wash", "washing", "washed"]),
    ("You ___ better see a doctor.", "had", ["have", "would", "should"]),
    ("She insisted ___ paying the bill.", "on", ["in", "at", "for"]),
    ("Hardly had we left ___ it began to rain.", "when", ["than that", "since", "until"]),
    ("The man ___ car was stolen called the police.", "whose", ["who", "whom", "which"]),
    ("Each of the boys ___ a bicycle.", "has", ["have", "are having", "having"]),
    ("He is capable ___ better work.", "of", ["to", "for", "at"]),
    (
        "By next year she ___ her studies.",
        "will have finished",
        ["has finished", "finished", "had finishing"],
    ),
    ("There were ___ people than I expected.", "fewer", ["less of", "little", "least"]),
    ("It's high time we ___ home.", "went", ["go", "will go", "have gone"]),
];

pub(super) fn write(rng: &mut Rng, level: u8) -> Draft {
    match rng.below(3) {
        0 => {
            let (verb, past, wrong) = *rng.pick(graded(&VERBS, level));
            draft(format!("What is the past tense of \"{verb}\"?"), past, wrong)
        }
        1 => {
            let (noun, plural, wrong) = *rng.pick(graded(&NOUNS, level));
            draft(format!("What is the plural of \"{noun}\"?"), plural, wrong)
        }
        _ => {
            let (sentence, word, wrong) = *rng.pick(graded(&GAPS, level));
            draft(format!("Which words fill the gap? {sentence}"), word, wrong)
        }
    }
}

fn draft(question: String, gold: &str, wrong: [&str; 3]) -> Draft {
    Draft { question, gold: gold.to_owned(), distractors: wrong.map(str::to_owned).to_vec() }
}
