//! Capitals, and the countries they are in.

use super::{Draft, graded};
use crate::rng::Rng;

/// Country, capital and region, from well known to little known.
const COUNTRIES: [(&str, &str, &str); 80] = [
    ("France", "Paris", "Europe"),
    ("Italy", "Rome", "Europe"),
    ("Japan", "Tokyo", "Asia"),
    ("Spain", "Madrid", "Europe"),
    ("Germany", "Berlin", "Europe"),
    ("Russia", "Moscow", "Europe"),
    ("China", "Beijing", "Asia"),
    ("Egypt", "Cairo", "Africa"),
    ("Greece", "Athens", "Europe"),
    ("Canada", "Ottawa", "America"),
    ("Ireland", "Dublin", "Europe"),
    ("Portugal", "Lisbon", "Europe"),
    ("Austria", "Vienna", "Europe"),
    ("Sweden", "Stockholm", "Europe"),
    ("Norway", "Oslo", "Europe"),
    ("Poland", "Warsaw", "Europe"),
    ("Cuba", "Havana", "America"),
    ("South Korea", "Seoul", "Asia"),
    ("Thailand", "Bangkok", "Asia"),
    ("Argentina", "Buenos Aires", "America"),
    ("Australia", "Canberra", "Oceania"),
    ("Hungary", "Budapest", "Europe"),
    ("Denmark", "Copenhagen", "Europe"),
    ("Finland", "Helsinki", "Europe"),
    ("Belgium", "Brussels", "Europe"),
    ("Peru", "Lima", "America"),
    ("Kenya", "Nairobi", "Africa"),
    ("Iran", "Tehran", "Asia"),
    ("Iraq", "Baghdad", "Asia"),
    ("Chile", "Santiago", "America"),
    ("Colombia", "Bogota", "America"),
    ("Vietnam", "Hanoi", "Asia"),
    ("Brazil", "Brasilia", "America"),
    ("Turkey", "Ankara", "Asia"),
    ("Ukraine", "Kyiv", "Europe"),
    ("Philippines", "Manila", "Asia"),
    ("New Zealand", "Wellington", "Oceania"),
    ("Romania", "Bucharest", "Europe"),
    ("Iceland", "Reykjavik", "Europe"),
    ("Nepal", "Kathmandu", "Asia"),
    ("Afghanistan", "Kabul", "Asia"),
    ("Ethiopia", "Addis Ababa", "Africa"),
    ("Syria", "Damascus", "Asia"),
    ("Lebanon", "Beirut", "Asia"),
    ("Morocco", "Rabat", "Africa"),
    ("Ghana", "Accra", "Africa"),
    ("Bulgaria", "Sofia", "Europe"),
    ("Serbia", "Belgrade", "Europe"),
    ("Croatia", "Zagreb", "Europe"),
    ("Venezuela", "Caracas", "America"),
    ("Ecuador", "Quito", "America"),
    ("Pakistan", "Islamabad", "Asia"),
    ("Bangladesh", "Dhaka", "Asia"),
    ("Malaysia", "Kuala Lumpur", "Asia"),
    ("Nigeria", "Abuja", "Africa"),
    ("Uganda", "Kampala", "Africa"),
    ("Latvia", "Riga", "Europe"),
    ("Estonia", "Tallinn", "Europe"),
    ("Lithuania", "Vilnius", "Europe"),
    ("Mongolia", "Ulaanbaatar", "Asia"),
    ("Albania", "Tirana", "Europe"),
    ("Slovenia", "Ljubljana", "Europe"),
    ("Slovakia", "Bratislava", "Europe"),
    ("Georgia", "Tbilisi", "Asia"),
    ("Armenia", "Yerevan", "Asia"),
    ("Uruguay", "Montevideo", "America"),
    ("Paraguay", "Asuncion", "America"),
    ("Senegal", "Dakar", "Africa"),
    ("Zambia", "Lusaka", "Africa"),
    ("Angola", "Luanda", "Africa"),
    ("Laos", "Vientiane", "Asia"),
    ("Fiji", "Suva", "Oceania"),
    ("Oman", "Muscat", "Asia"),
    ("Moldova", "Chisinau", "Europe"),
    ("Rwanda", "Kigali", "Africa"),
    ("Uzbekistan", "Tashkent", "Asia"),
    ("Mali", "Bamako", "Africa"),
    ("Honduras", "Tegucigalpa", "America"),
    ("Namibia", "Windhoek", "Africa"),
    ("Bhutan", "Thimphu", "Asia"),
];

/// Country, capital and other large cities of it.
const CITIES: [(&str, &str, [&str; 3]); 28] = [
    ("Australia", "Canberra", ["Sydney", "Melbourne", "Perth"]),
    ("Canada", "Ottawa", ["Toronto", "Montreal", "Vancouver"]),
    ("Turkey", "Ankara", ["Istanbul", "Izmir", "Antalya"]),
    ("Brazil", "Brasilia", ["Sao Paulo", "Rio de Janeiro", "Salvador"]),
    ("Nigeria", "Abuja", ["Lagos", "Kano", "Ibadan"]),
    ("Pakistan", "Islamabad", ["Karachi", "Lahore", "Peshawar"]),
    ("Vietnam", "Hanoi", ["Ho Chi Minh City", "Da Nang", "Hue"]),
    ("New Zealand", "Wellington", ["Auckland", "Christchurch", "Hamilton"]),
    ("Morocco", "Rabat", ["Casablanca", "Marrakesh", "Fez"]),
    ("Ecuador", "Quito", ["Guayaquil", "Cuenca", "Loja"]),
    ("Switzerland", "Bern", ["Zurich", "Geneva", "Basel"]),
    ("the United States", "Washington", ["New York", "Chicago", "Los Angeles"]),
    ("China", "Beijing", ["Shanghai", "Guangzhou", "Wuhan"]),
    ("India", "New Delhi", ["Mumbai", "Kolkata", "Chennai"]),
    ("Germany", "Berlin", ["Munich", "Hamburg", "Frankfurt"]),
    ("Italy", "Rome", ["Milan", "Naples", "Turin"]),
    ("Spain", "Madrid", ["Barcelona", "Seville", "Valencia"]),
    ("France", "Paris", ["Lyon", "Marseille", "Nice"]),
    ("Russia", "Moscow", ["Saint Petersburg", "Kazan", "Novosibirsk"]),
    ("Syria", "Damascus", ["Aleppo", "Homs", "Latakia"]),
    ("Scotland", "Edinburgh", ["Glasgow", "Aberdeen", "Dundee"]),
    ("Cameroon", "Yaounde", ["Douala", "Bamenda", "Garoua"]),
    ("Ukraine", "Kyiv", ["Kharkiv", "Odesa", "Lviv"]),
    ("Poland", "Warsaw", ["Krakow", "Gdansk", "Poznan"]),
    ("Portugal", "Lisbon", ["Porto", "Braga", "Coimbra"]),
    ("Japan", "Tokyo", ["Osaka", "Kyoto", "Nagoya"]),
    ("Kenya", "Nairobi", ["Mombasa", "Kisumu", "Nakuru"]),
    ("Myanmar", "Naypyidaw", ["Yangon", "Mandalay", "Bago"]),
];

pub(super) fn write(rng: &mut Rng, level: u8) -> Draft {
    if level > 1 {
        return of_one_country(rng, level);
    }
    let quarter = level * 2 + rng.below(2) as u8;
    of_the_world(rng, quarter)
}

/// The capital among other cities of its country.
fn of_one_country(rng: &mut Rng, level: u8) -> Draft {
    let (country, capital, cities) = *rng.pick(&CITIES);
    let question = if level == 2 {
        format!("Which city is the capital of {country}?")
    } else {
        format!("In which city does the government of {country} sit?")
    };
    Draft { question, gold: capital.to_owned(), distractors: cities.map(str::to_owned).to_vec() }
}

fn of_the_world(rng: &mut Rng, level: u8) -> Draft {
    let (country, capital, region) = *rng.pick(graded(&COUNTRIES, level));
    // Neighbours tempt more than the rest of the world.
    let mut rest: Vec<_> = COUNTRIES.iter().filter(|other| other.0 != country).collect();
    rng.shuffle(&mut rest);
    rest.sort_by_key(|other| other.2 != region);
    rest.truncate(4);
    if rng.below(3) < 2 {
        Draft {
            question: format!("What is the capital of {country}?"),
            gold: capital.to_owned(),
            distractors: rest.iter().map(|other| other.1.to_owned()).collect(),
        }
    } else {
        Draft {
            question: format!("{capital} is the capital of which country?"),
            gold: country.to_owned(),
            distractors: rest.iter().map(|other| other.0.to_owned()).collect(),
        }
    }
}
