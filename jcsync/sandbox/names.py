# ruff: noqa: RUF001  other people's letters are meant
"""Names, departments and places of people in many scripts.

Each name comes as it is written and as it appears in an e-mail address.
"""

from dataclasses import dataclass

Name = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Culture:
    """How people of one language are called.

    Attributes:
        language: BCP 47 tag.
        given: Given names, written and in Latin letters.
        family: Family names, written and in Latin letters.
        family_first: Whether the family name stands first, without a space.
        place: Locality, region, postal code and country of their office.
        dialling: Country calling code.
    """

    language: str
    given: tuple[Name, ...]
    family: tuple[Name, ...]
    place: tuple[str, str, str, str]
    dialling: str
    family_first: bool = False


def _names(text: str) -> tuple[Name, ...]:
    pairs = (word.partition("=") for word in text.split(","))
    return tuple((name.strip(), (latin or name).strip().lower()) for name, _, latin in pairs)


CULTURES = (
    Culture(
        "en-GB",
        _names("Olivia,Harry,Amelia,George,Sophie,Jack,Grace,Oscar,Mary-Jane,Thomas,Zoë=zoe,Noah"),
        _names(
            "Smith,O'Neil=o'neil,Taylor,Brown,Smith-Jones,Wilson,Clarke,D'Arcy=darcy,Hughes,"
            "MacDonald,Wright,St. John=st.john"
        ),
        ("London", "England", "EC2V 7HN", "GB"),
        "+44 20 7946",
    ),
    Culture(
        "fr-FR",
        _names(
            "Élodie=elodie,François=francois,Chloé=chloe,Jean-Luc,Zoé=zoe,Noël=noel,Anaïs=anais,"
            "Gaël=gael,Amélie=amelie,René=rene"
        ),
        _names(
            "Lefèvre=lefevre,Müller-Roux=muller-roux,Dupont,Gagné=gagne,D'Hérault=dherault,"
            "Beaufort,Çelik=celik,Moreau,Saint-Exupéry=saint-exupery,Œuvrard=oeuvrard"
        ),
        ("Lyon", "Auvergne-Rhône-Alpes", "69002", "FR"),
        "+33 1 99 00",
    ),
    Culture(
        "de-DE",
        _names(
            "Jürgen=juergen,Käthe=kaethe,Lukas,Mia,Sören=soeren,Änne=aenne,Karl-Heinz,Jörg=joerg,"
            "Lena,Björn=bjoern"
        ),
        _names(
            "Müller=mueller,Groß=gross,Schröder=schroeder,von der Leyden=vonderleyden,Weiß=weiss,"
            "Köhler=koehler,Bauer,Jäger=jaeger,Krüger=krueger,Vogel"
        ),
        ("Köln", "Nordrhein-Westfalen", "50667", "DE"),
        "+49 221 555",
    ),
    Culture(
        "pl-PL",
        _names(
            "Łukasz=lukasz,Małgorzata=malgorzata,Paweł=pawel,Zofia,Świętosław=swietoslaw,Ewa,"
            "Michał=michal,Grażyna=grazyna,Jan,Żaneta=zaneta"
        ),
        _names(
            "Wiśniewski=wisniewski,Wójcik=wojcik,Kowalczyk,Dąbrowska=dabrowska,Żak=zak,Nowak,"
            "Łęcki=lecki,Brzęczyszczykiewicz=brzeczyszczykiewicz,Zając=zajac,Król=krol"
        ),
        ("Łódź", "łódzkie", "90-001", "PL"),
        "+48 42 555",
    ),
    Culture(
        "tr-TR",
        _names(
            "Ayşe=ayse,İbrahim=ibrahim,Çağla=cagla,Oğuz=oguz,Şükrü=sukru,Elif,Ümit=umit,Işıl=isil,"
            "Gökçe=gokce,Kerem"
        ),
        _names(
            "Yılmaz=yilmaz,Öztürk=ozturk,Şahin=sahin,Çelik=celik,Kılıç=kilic,Aydın=aydin,"
            "Erdoğan=erdogan,Güneş=gunes,Ünal=unal,Işık=isik"
        ),
        ("İstanbul", "Şişli", "34394", "TR"),
        "+90 212 555",
    ),
    Culture(
        "es-ES",
        _names(
            "José=jose,Begoña=begona,Íñigo=inigo,Lucía=lucia,María del Mar=mariadelmar,Raúl=raul"
        ),
        _names(
            "Núñez=nunez,Ibáñez Gómez=ibanez.gomez,de la Cruz=delacruz,Muñoz=munoz,García=garcia,"
            "López-Ávila=lopez-avila"
        ),
        ("Málaga", "Andalucía", "29001", "ES"),
        "+34 952 55",
    ),
    Culture(
        "vi-VN",
        _names("Đức=duc,Thị Hương=huong,Nguyệt=nguyet,Quốc=quoc,Thủy=thuy"),
        _names("Nguyễn=nguyen,Trần=tran,Phạm=pham,Đặng=dang,Vũ=vu"),
        ("Đà Nẵng", "Đà Nẵng", "550000", "VN"),
        "+84 236 555",
    ),
    Culture(
        "uk-UA",
        _names("Олена=olena,Тарас=taras,Їжакевич=yizhak,Наталія=nataliia,Богдан=bohdan"),
        _names("Шевченко=shevchenko,Ґудзь=gudz,Лук'яненко=lukianenko,Коваль=koval,Мельник=melnyk"),
        ("Київ", "Київ", "01001", "UA"),
        "+380 44 555",
    ),
    Culture(
        "ru-RU",
        _names("Фёдор=fyodor,Ольга=olga,Дмитрий=dmitry,Юлия=yulia,Алёна=alyona"),
        _names("Иванов=ivanov,Щербакова=shcherbakova,Соловьёв=solovyov,Чехов=chekhov,Ильин=ilyin"),
        ("Тбилиси", "Тбилиси", "0105", "GE"),
        "+995 32 255",
    ),
    Culture(
        "el-GR",
        _names("Γιώργος=giorgos,Ελένη=eleni,Νίκος=nikos,Αθηνά=athina,Κώστας=kostas"),
        _names("Παπαδόπουλος=papadopoulos,Νικολαΐδης=nikolaidis,Ιωάννου=ioannou,Βλάχου=vlachou"),
        ("Αθήνα", "Αττική", "105 57", "GR"),
        "+30 21 0555",
    ),
    Culture(
        "ar-AE",
        _names("محمد=mohammed,فاطمة=fatima,يوسف=yousef,ليلى=layla,عبد الله=abdullah"),
        _names("الهاشمي=alhashimi,النجار=alnajjar,بن راشد=binrashid,منصور=mansour"),
        ("دبي", "دبي", "00000", "AE"),
        "+971 4 555",
    ),
    Culture(
        "he-IL",
        _names("נועה=noa,דוד=david,שירה=shira,איתן=eitan,יעל=yael"),
        _names("כהן=cohen,לוי=levi,בן-דוד=ben-david,מזרחי=mizrahi"),
        ("תל אביב", "תל אביב", "6100000", "IL"),
        "+972 3 555",
    ),
    Culture(
        "zh-CN",
        _names("伟=wei,芳=fang,娜=na,敏=min,秀英=xiuying,建国=jianguo"),
        _names("王=wang,李=li,张=zhang,欧阳=ouyang,陈=chen"),
        ("上海", "上海市", "200000", "CN"),
        "+86 21 5555",
        family_first=True,
    ),
    Culture(
        "ja-JP",
        _names("陽菜=hina,蓮=ren,さくら=sakura,大翔=hiroto,ユウキ=yuki"),
        _names("佐藤=sato,鈴木=suzuki,髙橋=takahashi,渡邉=watanabe,山﨑=yamazaki"),
        ("東京", "東京都", "100-0001", "JP"),
        "+81 3 5555",
        family_first=True,
    ),
    Culture(
        "ko-KR",
        _names("민준=minjun,서연=seoyeon,지우=jiwoo,하은=haeun"),
        _names("김=kim,이=lee,박=park,최=choi"),
        ("서울", "서울특별시", "04524", "KR"),
        "+82 2 555",
        family_first=True,
    ),
    Culture(
        "hi-IN",
        _names("आरव=aarav,अनन्या=ananya,विवेक=vivek,प्रिया=priya"),
        _names("शर्मा=sharma,गुप्ता=gupta,सिंह=singh,अय्यर=iyer"),
        ("मुंबई", "महाराष्ट्र", "400001", "IN"),
        "+91 22 5555",
    ),
)

DEPARTMENTS = (
    "Engineering",
    "Sales & Marketing",
    "Finance",
    "Human Resources",
    "Legal",
    "Operations",
    "IT",
    "Customer Success",
)
TITLES = (
    "Engineer",
    "Senior Engineer",
    "Account Executive",
    "Analyst",
    "Counsel",
    "Team Lead",
    "Administrator",
    "Specialist (part-time)",
)
GROUPS = (
    "Keepnet Users",
    "Engineering",
    "Łódź Office",
    "Sales & Marketing",
    "Admins (all)",
    "東京オフィス",
    "Finance / Controlling",
    "Contractors",
    "IT, Helpdesk",
    'The "A" Team',
)
