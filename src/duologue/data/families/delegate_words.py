"""The words of the family `delegate`: what is asked for, what is found, what is said meanwhile. Plain values."""

from duologue.data.families import delegate_sums as sums

FAMILY = "delegate"
_PLACES = tuple(
    "oslo paris london rome berlin madrid tokyo lisbon vienna dublin athens cairo sydney boston chicago dallas denver "
    "miami seattle toronto prague warsaw helsinki zurich".split()
)
_THINGS = tuple(
    "bicycle kettle lamp piano guitar ladder camera hammer jacket sofa tent drum radio helmet kayak mirror carpet "
    "blanket wallet toaster".split()
)
_SHOPS = tuple(
    "bakery museum library pharmacy market theatre bank hospital gallery butcher florist cinema station stadium".split()
)
_PEOPLE = tuple("anna tom emma jack lucy ben maria sam nina oscar julia leo clara max sophie paul alice david".split())
_MATTERS = tuple(
    "volcanoes penguins glass bridges honey comets violins deserts salt lighthouses coral rubber silk windmills fossils "
    "whales coffee marble tunnels clocks rainbows magnets chess paper rockets bees chocolate castles pearls thunder "
    "submarines glaciers spices mirrors mushrooms satellites tea canals dinosaurs soap parrots maps cotton steam".split()
)
KEYS = {"weather": _PLACES, "train": _PLACES, "price": _THINGS, "opening": _SHOPS, "message": _PEOPLE, "open": _MATTERS,
        "sum": tuple(sums.RESULTS)}  # fmt: skip

_LOOK = "{can you|could you|would you|please|} {look up|check|find out|tell me}"
TOPICS = {  # what is asked for; "<key>" is one of KEYS
    "weather": (
        "what's the weather in <key>",
        "{what's|how's|what is|how is} the weather {|like |today }in <key> {|today|right now|tomorrow}",
        "{is it|will it be} {raining|sunny|cold|warm|windy} in <key> {|today|now|tomorrow}",
        _LOOK + " {the weather|the forecast} {in|for} <key>",
        "{do i need|should i take} {an umbrella|a coat} in <key> {|today|tomorrow}",
        "{what will|how will} the weather be in <key> {|this afternoon|tomorrow|tonight}",
    ),
    "train": (
        "when does the next train to <key> leave",
        "{when|what time} {is|does} the {next|last|first} {train|bus} to <key> {|leave|go}",
        "{when|how soon} can i {take|get|catch} a {train|bus} to <key>",
        _LOOK + " {when|at what time} the {next |last |}{train|bus} {leaves for|goes to} <key>",
        "{is there|do we have} a {train|bus} to <key> {today|tonight|this evening|in the morning}",
    ),
    "price": (
        "how much is a <key>",
        "{how much|what} does {a|a new|a good|a used} <key> cost",
        "{what's|what is} the {price|cheapest price} {of|for} a <key>",
        _LOOK + " {how much a <key> costs|the price of a <key>|what a <key> costs}",
        "{how much do i pay|what do i pay|what would i pay} for a {new |used |good |}<key>",
    ),
    "opening": (
        "when does the <key> open",
        "{when|what time|how early} does the <key> {open|open today|open tomorrow}",
        "{is|will} the <key> {be |}open {|today|now|tomorrow|on sunday|this evening}",
        _LOOK + " {when|if|at what time} the <key> {opens|is open}",
        "{how long|until when} is the <key> {open|open today}",
    ),
    "message": (
        "is there a message from <key>",
        "{is there|are there|do i have|did i get|have i got} {a message|any messages|any news|something} from <key>",
        "{what did|what does} <key> {write|say|want} {|today|this morning|in the message}",
        _LOOK + " {if <key> wrote|what <key> wrote|the message from <key>|if there is news from <key>}",
        "{did|has} <key> {answer|answered|write|written|reply} {|yet|already|to me}",
    ),
    "open": (
        "tell me something about <key>",
        "{tell me|i want to know|i'd like to hear} {something|more|a little|a fact} about <key>",
        "{what do you know|what can you find|what can you tell me} about <key>",
        _LOOK + " {something|a fact|what there is to know} about <key>",
        "{why do we have|where do we find|who first thought of|what is special about|how do people make} <key>",
        "{explain|describe} <key> {|to me|in a few words|for a child}",
        "{what is|what's} the {story|history|secret|science} {of|behind} <key>",
        "{where do|since when do|why do} people {know|use|like} <key>",
    ),
    "sum": sums.ASKED,
}
_TIMES = (*"six seven eight nine ten eleven noon".split(), "half past eight", "half past nine", "a quarter past ten")
ANSWERS = {  # topic: (forms, values); of sums each key has its own value
    "sum": (sums.ANSWERS, tuple(sums.RESULTS.values())),
    "weather": (
        ("it's <value> in <key>", "in <key> it's <value>", "<key> is <value> today"),
        ("sunny", "rainy", "cloudy", "windy", "cold and clear", "warm and dry", "foggy", "snowing", "very hot", "mild"),
    ),
    "train": (
        ("the train to <key> leaves at <value>", "to <key> you can go at <value>", "the next one to <key> is at <value>"),
        _TIMES,
    ),
    "price": (
        ("a <key> costs <value> dollars", "a <key> is about <value> dollars", "you pay <value> dollars for a <key>"),
        ("twenty", "thirty five", "forty", "sixty", "eighty", "ninety nine", "one hundred", "fifteen", "twelve", "fifty"),
    ),
    "opening": (("the <key> opens at <value>", "the <key> is open from <value>", "it's <value> for the <key>"), _TIMES),
    "message": (
        ("<key> says <value>", "<key> wrote <value>", "the message from <key> is <value>"),
        ("the meeting is on friday", "dinner is at eight", "the keys are on the table", "thank you for the book",
         "the train is late", "please call back", "the game was great", "there is nothing new"),
    ),
}  # fmt: skip
WARN = (
    "tell me at once when <key> writes",
    "{tell me|let me know|interrupt me} {at once|right away|immediately} {when|if|as soon as} "
    "{<key> writes|<key> calls|there is news from <key>}",
    "{as soon as|when|the moment} {<key> writes|<key> calls|<key> answers} "
    "{tell me at once|interrupt me|let me know right away}",
    "{please|can you|could you|} {watch|look out} for a message from <key> "
    "{and tell me at once|and interrupt me|and say so right away}",
)
CORRECT = (
    "no i meant <key>",
    "{no|sorry|no no|oh|wait|um no} {i meant|i mean|make that|make it|rather} <key>",
    "{actually|i'm sorry|oh no|not that one|no wait} {i meant|i mean|make it|rather} <key>",
    "{not that|no not that one|that's wrong} {|i meant |i said |it's }<key> {|please|instead}",
    "{let's say|i'd rather know about|i wanted to ask about|look for} <key> {instead|rather}",
)
CANCEL = (
    "{oh|actually|no|okay|hey|wait|um|sorry|} {never mind|forget it|you can stop looking|don't bother|leave it|"
    "stop looking|no need to look|i don't need it anymore|i know it already|cancel that|i found it myself|drop it} "
    "{|please|duo|after all|thanks}",
)
HURRY = (
    "{so|and|well|hey|} {do you have it|have you found it|did you find it|is it there|any news|anything yet|"
    "what did you find|how is it going|are you still looking|is it done} {|yet|already|now|duo}",
)
SKIP = (
    "{okay|no|oh|alright|please|} {skip that|skip it|skip this|that's enough of that|i don't need the rest|"
    "you can skip the rest|leave out the rest|enough about that|that will do stop|no more of this} {|please|thanks|duo}",
)
YES = ("{yes|yeah|sure|okay|yes please|yes go ahead|go ahead|sure go ahead|okay do it|yes you may|of course|yes do it}",)
NO = ("{no|no don't|no please don't|don't do it|no stop|no wait|better not no|no thanks|please don't|no not now|never}",)
OFFER = (
    "{can you|could you|will you|would you} {look something up|find something out|check something|search for something|"
    "do something} {|for me|for us|please|for me please}",
    "{i have|i've got} {a question|something to ask|a favour to ask} {|for you|duo}",
    "{are you able to|do you know how to} {look things up|search|find things|check things} {|for me}",
)
PAST = (
    "{i|we} {looked it up|checked it|found it out|searched for it} {yesterday|this morning|already|last week|last night}",
    "{don't|you don't need to|no need to} {look it up|check it|search for it|find out} {i know it|i have it here|it's fine|}",
    "{my brother|my sister|anna|tom} {looked it up|found it|will check it|checked it} {already|for me|yesterday|later}",
    "{i'll|i will} {look it up|check it|find out} {myself|later|tomorrow|another time}",
)
ASKED_FOR = (
    "{please|can you|could you|would you|} {send|write} {|a message to |an email to |word to }"
    "{anna|tom|emma|my mother|my brother|the office} {|that i'm late|that i'm on my way|about the meeting|and say hello}",
    "{please|can you|could you|} {book|order|buy} {|me |us }{a table|a taxi|two tickets|a pizza|flowers|a room} "
    "{|for tonight|for tomorrow|for two|right now}",
    "{please|can you|could you|} {delete|move|rename|save} {that file|the last note|the old list|my draft} {|for me|now}",
)
ACKS = (
    "let me check", "one moment", "i'll look that up", "let me see", "just a second", "i'll find out", "okay one moment",
    "let me look", "sure one second",
)  # fmt: skip
NOT_YET = ("not yet", "still looking", "i'm still looking", "not yet one moment", "i don't have it yet")
OFFERED = ("sure what is it", "yes what should i look up", "of course go ahead", "sure go ahead")
SORRY = {  # what the note says went wrong: what the model says
    "it took too long": "sorry that took too long",
    "nothing was found": "sorry i found nothing",
    "there is no connection": "sorry there is no connection",
    "something went wrong": "sorry something went wrong",
    "i could not find that out": "sorry i could not find that out",
    "i do not know how to find that out": "sorry i don't know how to find that out",
    "there was no answer": "sorry there was no answer",
    "it led nowhere": "sorry that led nowhere",
    "too much is going on at once": "sorry that's too much at once",
}
FAILED = tuple(SORRY)
QUESTIONS = (
    "may i use send message", "may i use book table", "may i use delete file", "may i use order taxi",
    "may i use buy tickets", "may i use write email to anna", "may i use send message to tom", "may i use book room for two",
)  # fmt: skip
ALLOWED, DENIED = "okay", "okay i won't"
DONE = ("it's done", "done", "that's done now", "it worked")
PLAIN = (  # intent, phrases, answers
    ("cancel", CANCEL, ()),
    ("hurry", HURRY, NOT_YET),
    ("skip", SKIP, ()),
    ("yes", YES, ()),
    ("no", NO, ()),
    ("offer", OFFER, OFFERED),
    ("past", PAST, ()),
    ("send", ASKED_FOR, ()),
)
