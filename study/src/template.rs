//! How an item is put to a model.

use serde::{Deserialize, Serialize};

use crate::items::Item;

/// A way to ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Template {
    /// `Question: …\nAnswer: …`, the way of the published scores.
    Plain,
    /// The question, a space and the answer.
    Bare,
    /// `Q: …\nA: …`.
    Short,
    /// The choices are listed with letters, and the letter is the answer.
    Letters,
    /// The choices are listed, and the text of one is the answer.
    Listed,
    /// Gemma's turns.
    GemmaChat,
    /// SmolLM's turns.
    SmolChat,
    /// An instruction before the question.
    Instructed,
    /// Two solved questions before the question.
    TwoShot,
    /// A paragraph that has nothing to do with the question before it.
    Distracted,
}

const EXAMPLES: &str = "Question: Which animal says moo?\nAnswer: the cow\n\n\
    Question: What is 2 + 3?\nAnswer: 5\n\n";

const DISTRACTION: &str = "The old harbour was quiet that evening. Two boats lay at the pier, and a \
    man in a grey coat mended his nets.\n\n";

impl Template {
    /// What the model reads before the answer.
    pub fn prompt(self, item: &Item) -> String {
        let question = &item.question;
        match self {
            Self::Plain => format!("Question: {question}\nAnswer:"),
            Self::Bare => question.clone(),
            Self::Short => format!("Q: {question}\nA:"),
            Self::Letters => format!("Question: {question}\n{}Answer:", lettered(item)),
            Self::Listed => {
                format!("Question: {question}\nChoices: {}\nAnswer:", item.choices.join("; "))
            }
            Self::GemmaChat => {
                format!("<start_of_turn>user\n{question}<end_of_turn>\n<start_of_turn>model\n")
            }
            Self::SmolChat => {
                format!("<|im_start|>user\n{question}<|im_end|>\n<|im_start|>assistant\n")
            }
            Self::Instructed => format!(
                "Answer the question with one word or number.\nQuestion: {question}\nAnswer:"
            ),
            Self::TwoShot => format!("{EXAMPLES}Question: {question}\nAnswer:"),
            Self::Distracted => format!("{DISTRACTION}Question: {question}\nAnswer:"),
        }
    }

    /// Choice `index` as it goes on from the prompt.
    pub fn choice(self, item: &Item, index: usize) -> String {
        match self {
            Self::Letters => format!(" {}", letter(index)),
            Self::GemmaChat | Self::SmolChat => item.choices[index].clone(),
            _ => format!(" {}", item.choices[index]),
        }
    }
}

fn letter(index: usize) -> char {
    char::from(b'A' + index as u8)
}

fn lettered(item: &Item) -> String {
    let line = |(index, choice): (usize, &String)| format!("{}. {choice}\n", letter(index));
    item.choices.iter().enumerate().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_item_in_three_ways() {
        let item = Item {
            id: "t/0".to_owned(),
            task: "t".to_owned(),
            level: 0,
            question: "Which?".to_owned(),
            choices: vec!["this".to_owned(), "that".to_owned()],
            gold: 0,
        };
        assert_eq!(Template::Plain.prompt(&item), "Question: Which?\nAnswer:");
        assert_eq!(Template::Plain.choice(&item, 1), " that");
        assert_eq!(Template::Letters.prompt(&item), "Question: Which?\nA. this\nB. that\nAnswer:");
        assert_eq!(Template::Letters.choice(&item, 1), " B");
        assert_eq!(Template::GemmaChat.choice(&item, 1), "that");
    }
}
