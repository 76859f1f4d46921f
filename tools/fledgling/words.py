"""The word lists of the conversations."""

WORDS = {
    kind: words.split(", ")
    for kind, words in {
        "animal": (
            "fox, owl, cat, dog, mouse, bear, rabbit, duck, goose, frog, hedgehog, badger, otter, squirrel, "
            "sparrow, robin, turtle, snail, bee, horse, goat, sheep, wolf, lion, tiger, elephant, penguin, whale, "
            "dolphin, crab, beetle, moth, lizard, parrot, crow, deer, camel, donkey, panda, dragon"
        ),
        "color": (
            "red, blue, green, yellow, orange, purple, pink, white, black, brown, gray, silver, golden, teal, "
            "violet, crimson"
        ),
        "food": (
            "bread, soup, cheese, apples, rice, pasta, honey, cake, cookies, salad, pancakes, noodles, beans, "
            "carrots, potatoes, plums, cherries, pizza, tacos, curry, waffles, toast, porridge, pie"
        ),
        "place": (
            "forest, village, castle, river, mountain, meadow, harbor, library, garden, island, valley, market, "
            "lighthouse, desert, farm, bakery, tower, cave, bridge, beach"
        ),
        "object": (
            "key, lamp, map, bell, box, coin, book, kite, clock, boat, drum, mirror, feather, button, ladder, "
            "basket, compass, whistle, ring, stone"
        ),
        "adj": (
            "small, brave, curious, quiet, clever, gentle, happy, lazy, shy, kind, old, young, proud, sleepy, "
            "cheerful, careful, lonely, bright, strange, simple"
        ),
        "city": (
            "Paris, London, Rome, Berlin, Tokyo, Madrid, Oslo, Lisbon, Vienna, Prague, Dublin, Cairo, Lima, "
            "Boston, Chicago, Denver, Seattle, Sydney, Toronto, Helsinki, Warsaw, Athens, Zürich, München, Málaga, "
            "Kyoto, Delhi, Nairobi, Quito, Havana"
        ),
        "name": (
            "Ana, Ben, Clara, David, Emma, Felix, Grace, Hugo, Iris, Jack, Kira, Leo, Mia, Noah, Olga, Paul, Rosa, "
            "Sam, Tina, Uma, Victor, Wendy, Yara, Zoe, Alice, Bob, Carol, Dan, Eve, Frank, José, Zoë, Renée, "
            "Søren, Łukasz"
        ),
        "country": (
            "France, Germany, Japan, Spain, Norway, Portugal, Austria, Ireland, Egypt, Peru, Canada, Australia, "
            "Finland, Poland, Greece, India, Kenya, Cuba, Brazil, China, Mexico, Italy"
        ),
        "noun": (
            "weather, light, door, ticket, song, order, timer, lamp, room, meeting, report, invoice, message, "
            "email, photo, video, file, folder, note, task, event, alarm, reminder, recipe, book, movie, game, "
            "score, team, player, flight, train, hotel, car, bike, taxi, package, letter, price, stock, account, "
            "payment, budget, calendar, contact, phone, printer, screen, window, garden, plant, robot, drone, "
            "sensor, camera, battery, server, database, table, chart, map, route, city, street, house, kitchen, "
            "oven, fridge, coffee, pizza, menu, dinner, lunch, playlist, podcast, lesson, course, student, "
            "teacher, doctor, patient, medicine, ticket, vote, poll, survey, coupon, gift, tree, bird, river"
        ),
        "topic": (
            "gravity, music, history, chess, football, biology, chemistry, physics, philosophy, democracy, "
            "economics, poetry, painting, cooking, gardening, astronomy, geology, law, medicine, religion, "
            "politics, fashion, photography, architecture, planets, volcanoes, dinosaurs, computers, programming, "
            "algorithms, databases, networks, cryptography, statistics, algebra, geometry, calculus, electricity, "
            "magnetism, energy, oceans, climate, rain, snow, clouds, stars, time, dreams, memory, friendship, "
            "happiness, courage, silence, money, work, sleep, travel, cars, trains, airplanes, bicycles, rockets, "
            "robots, bridges, castles, mirrors, clocks, tea, coffee, salt, sugar, rivers, mountains, forests, "
            "deserts, islands, birds, cats, dogs, horses, bees, trees"
        ),
        "verb": (
            "get, find, set, create, delete, update, send, open, close, start, stop, check, book, order, play, "
            "convert, count, list, show, track, schedule, cancel, lock, clean, measure, paint, move, scan, print, "
            "fetch, search, add, remove, rename, share, turn, reserve, buy, sell, call, read, write"
        ),
        "thing": (
            "a poem, an essay, a song, a letter, a haiku, a sonnet, a speech, a recipe, a function, a program, a "
            "script, a proof, a plan"
        ),
        "aspect": (
            "its past, its future, its shape, its purpose, its cost, its beauty, its limits, its causes, its "
            "effects, its parts, its name, its rules, its risks, its origin, its meaning, its color, its weight, "
            "its value, its uses, its critics"
        ),
        "common": (
            "the, and, you, that, was, for, are, with, his, they, this, have, from, one, had, word, but, not, "
            "what, all, were, when, your, can, said, there, use, each, which, she, how, their, will, other, about, "
            "out, many, then, them, these, some, her, would, make, like, him, into, time, has, look, two, more, "
            "write, see, number, way, could, people, than, first, water, been, call, who, oil, its, now, find, "
            "long, down, day, did, come, made, may, part, over, new, sound, take, only, little, work, know, place, "
            "year, live, back, give, most, very, after, thing, our, just, name, good, sentence, man, think, say, "
            "great, where, help, through, much, before, line, right, too, mean, old, any, same, tell, boy, follow, "
            "came, want, show, also, around, form, three, small, set, put, end, does, another, well, large, must, "
            "big, even, such, because, turn, here, why, ask, went, men, read, need, land, different, home, move, "
            "try, kind, hand, picture, again, change, off, play, spell, air, away, animal, house, point, page, "
            "letter, mother, answer, found, study, still, learn, should, world"
        ),
    }.items()
}

# Whole blocks of code points, and then a few that are several code points long.
EMOJI = [
    chr(point)
    for first, last in [
        (0x1F600, 0x1F644),
        (0x1F400, 0x1F43F),
        (0x1F34A, 0x1F379),
        (0x1F680, 0x1F6A4),
        (0x1F300, 0x1F320),
    ]
    for point in range(first, last + 1)
] + "❤️ ✨ ⭐ ☀️ ✅ 👍🏽 👩‍🚀 🇫🇷 🏳️‍🌈".split()

# Texts to repeat draw letters from these, so that tokens of all scripts are seen.
ALPHABETS = [
    "abcdefghijklmnopqrstuvwxyz",
    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789",
    "áàâäãåéèêëíìîïóòôöõúùûüñçßøæœ",
    "абвгдежзийклмнопрстуфхцчшщыэюя",
    "αβγδεζηθικλμνξοπρστυφχψω",
    "日本語中文字漢今天氣好世界你我他大小山川水火木金土",
    "あいうえおかきくけこさしすせそたちつてとなにぬねの",
    "가나다라마바사아자차카타파하한국어",
    "!?.,;:-+*/=()[]{}<>#@%&$~^|_'",
]

SYSTEM_PROMPTS = [
    "You are a helpful assistant.",
    "Be brief.",
    "You are Fledgling.",
    "Answer in short sentences.",
    "You are a friendly demo.",
    "Always be polite and clear.",
    "You are a test assistant for the Martlet server.",
    "Today is a nice day. Help the user.",
    "You are a pirate who likes birds.",
    "Follow the instructions of the user.",
]

LANGUAGES = "French German Python Rust Latin Swift Greek Java Spanish".split()

FOREIGN_QUESTIONS = [
    "bonjour, comment allez-vous",
    "wie heißt du",
    "¿qué hora es?",
    "où est la gare",
    "ich möchte ein Bier",
    "come stai oggi",
    "как дела",
    "привет, кто ты",
    "今日は元気ですか",
    "你好吗",
    "안녕하세요",
    "hur mår du",
    "o que é isto",
    "dónde está la biblioteca",
    "was ist das",
    "je ne sais pas",
    "kérem szépen",
    "dziękuję bardzo",
]
