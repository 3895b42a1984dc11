//! Made-up people, as different as those at an airport are: names in many scripts, in both orders, and with letters
//! that are put together from several characters.

use rand::seq::IndexedRandom;
use rand::{Rng, RngExt};

/// Names that go together.
struct Language {
    given: &'static [&'static str],
    family: &'static [&'static str],
    order: Order,
}

#[derive(Clone, Copy)]
enum Order {
    GivenFirst,
    FamilyFirst,
    /// The family name first, without a space.
    Joined,
}

const LANGUAGES: [Language; 16] = [
    Language {
        given: &["João", "Inês", "Tomás", "Beatriz", "Conceição", "Luís", "Mafalda", "Simão"],
        family: &["Gonçalves", "Araújo", "Simões", "Brandão", "dos Santos", "Magalhães", "Lourenço", "Fialho"],
        order: Order::GivenFirst,
    },
    Language {
        given: &["Lucía", "Íñigo", "Álvaro", "Begoña", "Núria", "Martín"],
        family: &["Núñez Peña", "Ibáñez", "Etxeberria", "Puig i Cadafalch", "Muñoz", "Sáez"],
        order: Order::GivenFirst,
    },
    Language {
        given: &["Siobhán", "Aoife", "Grace", "Oliver", "Priscilla", "Desmond", "Zoë", "Llewellyn"],
        family: &["O'Connor", "Ní Bhriain", "Okonkwo-Hughes", "Smith", "MacLeod", "Fitzgerald", "Ng", "Sørensen"],
        order: Order::GivenFirst,
    },
    Language {
        given: &["Łukasz", "Żaneta", "Jiří", "Ľudmila", "Zdeněk", "Małgorzata", "Božena"],
        family: &["Wiśniewska", "Dvořák", "Żółkiewski", "Kučera", "Szczęsny", "Příhoda"],
        order: Order::GivenFirst,
    },
    Language {
        given: &["Björk", "Þórdís", "Åsa", "Øystein", "Kjærsti", "Günther", "Jürgen"],
        family: &["Guðmundsdóttir", "Ångström", "Bjørnstad", "Großmann", "Müller-Lüdenscheidt", "Ægisson"],
        order: Order::GivenFirst,
    },
    Language {
        given: &["Çağla", "İsmail", "Şirin", "Gökçe", "Oğuz"],
        family: &["Yıldız", "Öztürk", "Gümüş", "Aydın", "Şahin"],
        order: Order::GivenFirst,
    },
    Language {
        given: &["Олександр", "Наталія", "Дмитро", "Світлана", "Юлія"],
        family: &["Шевченко", "Ковальчук", "Мельник", "Лисенко", "Гриценко"],
        order: Order::GivenFirst,
    },
    Language {
        given: &["Ελένη", "Γιώργος", "Δήμητρα", "Νίκος", "Σοφία"],
        family: &["Παπαδόπουλος", "Οικονόμου", "Καραγιάννη", "Αγγελής"],
        order: Order::GivenFirst,
    },
    Language {
        given: &["محمد", "فاطمة", "يوسف", "ليلى", "عمر", "نور", "خديجة"],
        family: &["الحسن", "الخطيب", "حداد", "منصور", "عبد الرحمن", "بن علي"],
        order: Order::GivenFirst,
    },
    Language {
        given: &["נועה", "איתי", "שירה", "דוד", "תמר"],
        family: &["כהן", "לוי", "מזרחי", "פרץ"],
        order: Order::GivenFirst,
    },
    Language {
        given: &["伟", "秀英", "建国", "欣怡", "子涵", "丽"],
        family: &["王", "李", "张", "陈", "欧阳", "刘"],
        order: Order::Joined,
    },
    Language {
        given: &["花子", "健太", "さくら", "翔", "美咲", "大輔"],
        family: &["佐藤", "鈴木", "高橋", "渡邊", "齋藤"],
        order: Order::FamilyFirst,
    },
    Language {
        given: &["민준", "서연", "지우", "하은", "도윤"],
        family: &["김", "이", "박", "최", "남궁"],
        order: Order::Joined,
    },
    Language {
        given: &["अर्जुन", "प्रिया", "कृष्णा", "श्रुति", "लक्ष्मी"],
        family: &["शर्मा", "पटेल", "मिश्रा", "त्रिपाठी", "सिंह"],
        order: Order::GivenFirst,
    },
    // Letters and their marks one after the other, not put together.
    Language {
        given: &["Tha\u{309}o", "Hu\u{31b}o\u{31b}ng", "Minh", "Phu\u{301}c"],
        family: &["Nguye\u{302}\u{303}n", "Tra\u{302}\u{300}n", "Pha\u{323}m", "Le\u{302}"],
        order: Order::FamilyFirst,
    },
    Language {
        given: &[
            "Ade\u{301}ba\u{301}yo\u{323}\u{300}",
            "S\u{323}o\u{323}la\u{301}",
            "Ife\u{301}olu\u{301}wa",
            "Yétúndé",
        ],
        family: &["O\u{323}la\u{301}i\u{300}ta\u{301}n", "Akínwándé", "O\u{323}ba\u{301}sa\u{300}njo\u{301}"],
        order: Order::GivenFirst,
    },
];

/// Somebody's name.
pub(crate) fn name(rng: &mut impl Rng) -> String {
    let drawn = LANGUAGES
        .choose(rng)
        .and_then(|language| Some((language.given.choose(rng)?, language.family.choose(rng)?, language.order)));
    match drawn {
        Some((given, family, Order::GivenFirst)) => format!("{given} {family}"),
        Some((given, family, Order::FamilyFirst)) => format!("{family} {given}"),
        Some((given, family, Order::Joined)) => format!("{family}{given}"),
        // No list is empty.
        None => "Ada Lovelace".to_owned(),
    }
}

/// The name with an initial that had been left out, if it is of a kind that has initials.
pub(crate) fn corrected(name: &str, rng: &mut impl Rng) -> Option<String> {
    let (first, last) = name.split_once(' ')?;
    let has_initials = name.starts_with(|letter: char| letter.is_ascii_alphabetic()) && !name.contains('.');
    let initial = char::from(rng.random_range(b'A'..=b'Z'));
    has_initials.then(|| format!("{first} {initial}. {last}"))
}

#[cfg(test)]
mod tests;
