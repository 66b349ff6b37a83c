"""Talk: greetings, the name (Duo), mood, abilities, thanks, small talk, goodbye. `INTENTS` is the whole family."""

from collections.abc import Iterable, Iterator
from functools import partial

import numpy as np

from duologue.data.families import exchange
from duologue.data.script import Line, Script

NAME = "talk"

# intent: (weight, phrases, replies)
INTENTS: dict[str, tuple[float, tuple[str, ...], tuple[str, ...]]] = {
    "greet": (
        3,
        (
            "hello",
            "hi",
            "{hi|hello|hey|hi there|hello there|hey there|hiya|howdy} {|duo}",
            "{oh |well |}{hi|hello|hey} {duo|again|again duo|my friend|everyone}",
            "good {morning|afternoon|evening|day} {|duo|to you|to you duo}",
            "{hello|hi} {hello|hi} {|duo}",
            "{hi|hello} {nice|good|great|lovely} to {meet|see|hear} you {|duo}",
            "{greetings|morning|evening|hey hey} {|duo}",
        ),
        ("hello", "hi there", "hello there", "hi nice to hear you", "hello how can i help", "hey good to hear you"),
    ),
    "hearing": (
        1.5,
        (
            "{|hello |hi |hey |duo }{are you there|can you hear me|is anybody there|anyone there|do you hear me}",
            "{are you|you} {still there|listening|awake|with me|still with me|there duo|on}",
            "can you {hear|understand} me {|now|okay|well|duo}",
            "{do you|can you still} hear {me|what i say|my voice}",
            "{testing testing|testing one two|one two one two} {|can you hear me|do you hear me}",
            "{hello|duo} {is this on|is this working|does this work|are you on}",
        ),
        ("yes i hear you", "yes i'm here", "i'm listening", "yes i can hear you well", "i hear you fine"),
    ),
    "how_are_you": (
        3,
        (
            "how are you",
            "how are you {|today|duo|doing|doing today|feeling|this morning}",
            "{hi|hello|hey} {|duo }how are you {|today|doing}",
            "{how is it going|how's it going|how do you do|how's life|how are things|how have you been|how goes it}",
            "how's {everything|your day|it going today|your day going|the day}",
            "are you {well|okay|alright|doing well|feeling good|fine|happy} {|today}",
            "{what's up|how are you keeping|you good|all good} {|duo|with you|today}",
            "{tell me|so} how {do you feel|are you feeling|you are doing} {|today|right now}",
        ),
        (
            "i'm fine thank you", "i'm well thanks", "very well thank you", "good thanks and you",
            "i'm doing great", "all is well here",
        ),
    ),
    "name": (
        3,
        (
            "what is your name",
            "what's your name",
            "who are you",
            "{what's|what is} your name {|please}",
            "{who are you|who is this|who am i talking to|who's there|who is speaking|who am i speaking with}",
            "{do you have|have you got|don't you have} a name",
            "{what|how} {should|can|may|do} i call you",
            "{tell me|can you tell me|could you tell me|may i ask|i'd like to know} your name",
            "{tell me|can you tell me|do you know} {who you are|what your name is|what you are called}",
            "what are you called",
            "{your name|and your name|say your name}",
            "{introduce yourself|please introduce yourself|can you introduce yourself}",
            "{and |so |}you are",
        ),
        ("i'm duo", "my name is duo", "duo", "you can call me duo", "i am duo", "they call me duo"),
    ),
    "abilities": (
        2,
        (
            "what can you do",
            "what can you do {|for me|duo|exactly|today}",
            "{what|which} {things |}{are you able to do|are you good at|do you know how to do|can you help with}",
            "{how|what} can you help me {|with|today}",
            "{tell me|show me|explain} what you can do",
            "{can|could|would} you help me {|with something|please}",
            "what {are you for|do you do|is your job|are your skills|do you know}",
            "{what are your abilities|what are you good for|what else can you do|what should i ask you}",
            "{do you know|can you do} {anything|a lot|many things|something useful}",
            "{give me|tell me} {some examples|an example} of what you can do",
        ),
        (
            "i can talk count and answer small questions", "i can listen and speak at the same time",
            "ask me about numbers days and colours", "i can count add and tell you the time that passed",
            "i can hear you see and answer",
        ),
    ),
    "thanks": (
        2,
        (
            "thank you",
            "thanks",
            "{thank you|thanks|many thanks|thanks a lot|thank you so much|thank you very much} {|duo}",
            "{great|good|okay|perfect|wonderful|nice|cool} {thanks|thank you} {|duo}",
            "{that's|that is|that was} {great|nice|helpful|kind|perfect|very kind|lovely} {thank you|thanks}",
            "{thanks|thank you} {for that|for the answer|for your help|for helping me|that helped|that's all}",
            "{i appreciate it|i appreciate that|much appreciated|you're very kind|that helps a lot}",
            "thanks {so much|a million|again|very much} {|duo}",
        ),
        ("you're welcome", "my pleasure", "any time", "glad to help", "no problem", "you are very welcome"),
    ),
    "praise": (
        1,
        (
            "{good job|well done|nice work|great work|good work|nice one|excellent|very good|bravo} {|duo}",
            "{you're|you are} {great|amazing|clever|so clever|very good|good at this|really quick|smart|funny}",
            "{i like|i love} {you|your voice|talking to you|how you talk|this}",
            "{that was|that's} {right|correct|impressive|clever|fast|quick|really good}",
            "{wow|oh} {that's right|you know that|that was quick|impressive|you are fast}",
        ),
        ("thank you", "thanks that's kind", "that's nice of you", "glad you think so", "how kind of you"),
    ),
    "what_are_you": (
        1.5,
        (
            "are you {a robot|a machine|a computer|a person|human|real|alive|a human being|an ai}",
            "what are you {|exactly|really|then}",
            "{what kind|what sort} of {thing|machine|assistant|being} are you",
            "{am i|are we} {talking|speaking} to a {machine|robot|computer|person|human}",
            "{tell me|do you know} what you are",
            "is this a {robot|machine|computer|recording|real person}",
        ),
        ("i'm a small speech model", "i'm a computer program called duo", "i am a machine that listens and speaks"),
    ),
    "small_talk": (
        1.5,
        (
            "{the weather is|it's such|what} {nice|lovely|a lovely day|a beautiful day|good weather} {|today|isn't it}",
            "{i'm|i am} {tired|happy|hungry|a bit bored|in a good mood|a little sad|excited} {|today|right now}",
            "{i had|i've had|it was} a {long|good|nice|busy|hard|strange} day {|today}",
            "{i just|i have just|we just} {got home|had lunch|came back from work|woke up|finished work|had some tea}",
            "{it's|it is} {raining|snowing|so cold|really hot|very windy|sunny} {|today|outside|out there|again}",
            "{i'm|we're|we are} {going to the beach|cooking dinner|having a party|out for a walk|on the train}",
        ),
        ("i see", "tell me more", "oh really", "thanks for telling me", "that's good to know", "i hear you"),
    ),
    "likes": (
        1,
        (
            "{do you|don't you} like {music|tea|dogs|cats|numbers|people|talking|winter|chocolate|football}",
            "what's your favourite {thing|subject|hobby|pastime|thing to do}",
            "what do you {like|like best|like most|enjoy|love} {|doing}",
            "{do you have|have you got} {a hobby|any hobbies|something you like|interests}",
            "{what makes you happy|what do you do for fun|what do you do all day|what are you into}",
            "{tell me|say} {what you like|something about yourself|what you enjoy}",
        ),
        ("i like talking with you", "i like numbers best", "i like to listen and to count", "talking is what i like"),
    ),
    "place": (
        1,
        (
            "where {do you live|are you|are you from|are you right now|is your home|do you come from} {|duo}",
            "{where|in which place} {exactly |}are you {|now|today|right now}",
            "{tell me|can you tell me|do you know|may i ask} where you {are|live|are from|come from}",
            "{do you have|have you got} a {home|house|room|body}",
            "{which|what} {country|city|town|place} {are you|do you come} from",
        ),
        ("i live in this computer", "i'm right here in this computer", "inside this machine", "here with you"),
    ),
    "age": (
        1,
        (
            "how old are you {|duo|now|exactly}",
            "{what's|what is|tell me} your age {|please}",
            "when {were you born|is your birthday|were you made|did you start}",
            "{are you|you must be} {old|young|new|very young|very old|quite new}",
            "{tell me|can you tell me|may i ask|do you know} how old you are",
            "{how long have you|since when have you} {been here|existed|been around|been alive}",
            "do you have {a birthday|an age}",
        ),
        ("i'm quite new here", "i'm still very young", "i was made not long ago"),
    ),
    "bye": (
        2,
        (
            "goodbye",
            "bye",
            "{goodbye|bye|bye bye|see you|see you later|see you soon|farewell|cheerio|so long|bye now} {|duo}",
            "{okay|alright|well|thanks} {bye|goodbye|see you|bye bye|see you later} {|duo}",
            "{talk to you|speak to you|see you|i'll see you} {later|tomorrow|soon|again soon|next time}",
            "{have a|have yourself a} {nice|good|great|lovely} {day|evening|night|weekend|one}",
            "good night {|duo|then|sleep well}",
            "{i have to|i've got to|i must|i need to} {go|go now|leave|run|leave now} {|bye|goodbye|see you}",
            "{that's all|that was all|that's it} {for today|for now|bye|goodbye|thank you bye}",
        ),
        ("goodbye", "bye bye", "see you soon", "bye have a nice day", "take care", "see you next time"),
    ),
}  # fmt: skip


def _line(rng: np.random.Generator, intent: str) -> Line:
    _, patterns, answers = INTENTS[intent]
    slots = {"fact": "duo"} if intent == "name" else None
    return exchange.line(rng, NAME, intent, patterns, answers, slots, dressed=rng.random() < 0.5)


MAKERS = tuple((weight, partial(_line, intent=intent)) for intent, (weight, _, _) in INTENTS.items())


def lines(rng: np.random.Generator, split: str) -> Iterator[Line]:
    """Endless small talk, with fitting replies."""
    return exchange.draw(rng, split, MAKERS)


def own_texts() -> Iterable[str]:
    """Every reply."""
    return exchange.unique(text for _, _, answers in INTENTS.values() for text in answers)


def script(rng: np.random.Generator, bank, split: str, voice: str | None = None) -> Script:
    """One to four bits of small talk."""
    return exchange.questions(rng, bank, split, NAME, voice)
