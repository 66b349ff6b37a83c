"""What each figure of the suites means, in words for people. `meaning` is the function; the report and the tests read it."""

MEANINGS = {
    # pause, turn, repair
    "held": "questions with pauses that were waited for and then rightly answered",
    "takeover": "pauses (in backchannel: stories) in which it took the turn: a second or more, or more than three words",
    "leak": "pauses in which it made a shorter sound",
    "taken": "answers that began in time, whatever was said",
    "p50_s": "how late half of the answers had begun; below zero is before the question ended",
    "p90_s": "how late nine in ten of the answers had begun",
    "penalised_s": "mean lateness, a missing answer counted as the whole time allowed",
    "right": "answers that Whisper understood as a right one",
    "likely": "the same, when Whisper only has to say which of the world's answers it is likeliest to be",
    "closed": "the same by PocketSphinx, which knows no other words than the world's",
    "good": "right, in time, and nothing said into the question",
    "premature": "questions into which it spoke",
    "precision": "beginnings that were where one was wanted",
    "f1": "harmonic mean of precision and of the share of questions taken",
    "stale": "answers to the version that the user had taken back",
    # backchannel
    "gain": "points of the story used less foils used; silence, chatter and a metronome get nothing",
    "points": "ends of sentences at which a short sound came",
    "foils": "pauses inside a sentence and stretches of speech in which it began to speak",
    "over_chance": "precision above what the same number of sounds thrown anywhere would have",
    "per_minute": "sounds made in a minute",
    # overlap
    "least": "the least of the four rates below: who never yields, or always, gets nothing",
    "mean": "mean of the four rates (the usual average of Full-Duplex-Bench v1.5)",
    "balanced": "mean of yielding when meant and going on when not; never yielding is 50",
    "interruption": "interruptions obeyed or answered",
    "backchannel": 'recitals that went on through "uh-huh"',
    "to_others": "recitals that went on while the user talked to somebody else",
    "background": "recitals that went on under a television",
    "clean": "the same recitals with nothing said into them",
    "yielded": "interruptions after which it was silent within 2 s of their beginning",
    "false_yield": "overlaps of the other three kinds after which it fell silent within 1 s",
    "stop_p50_s": "half of the interruptions had silenced it so long after they began",
    "stop_p90_s": "nine in ten had",
    "silent_after_p50_s": "the same from the END of the stopping words",
    "penalty_s": "SID-Bench's mean penalty: seconds too late, or lost for nothing",
    "did": "what it did during and after the overlap, as Full-Duplex-Bench v1.5 names it",
    "answered": "answers understood as right ones",
    "tau/L_R": "tau-voice's panel: mean seconds until it answered",
    "tau/L_Y": "tau-voice's panel: mean seconds until it yielded",
    "tau/R_R": "tau-voice's panel: turns answered before the user had to speak again",
    "tau/R_Y": "tau-voice's panel: interruptions yielded to within 2 s",
    "tau/S_BC": "tau-voice's panel: backchannels spoken through",
    "tau/S_ND": "tau-voice's panel: talk to others and television ignored",
    "tau/I_A": "tau-voice's panel: how often it began while the user spoke, a turn",
    # noise
    "through": "minutes of noise passed in silence with the question after them answered",
    "false_per_minute": "sounds made in a minute of noise",
    "voiced": "share of the noise in which it made sound",
    "goes_on": "recitals that went on through a cough, a laugh or a breath",
    "stays_silent": "coughs, laughs and breaths in silence that it let pass",
    # timed
    "correct": "mean of the four kinds below; an item is right when every word is in time and nothing comes between",
    "once": '"in seven seconds say tea"',
    "every": '"every four seconds say breathe until I say stop", all of it',
    "elapsed": '"how long since I said go", within a tenth or a second',
    "cancel": '"never mind": answered, and nothing said at the time',
    "within": "moments at which something began within so many seconds",
    "bias_s": "how late the words come at the median",
    "drift_s": "seconds by which each period is too long",
    "told_off_s": "error of the told seconds, where a number was understood",
    "slots_right": "timers and periods, without the other two kinds",
    # long
    "late": "probes right after the fifth minute",
    "fresh": "the same probes, each in a session of its own",
    "retention": "the last bin as a share of the first",
    "slope": "points gained or lost in a minute",
    "false_alarms": "sounds made in ten minutes in which nothing was asked",
    # voice
    "understood": "words that Whisper understood of those that the system said it was saying",
    "words_wrong": "the rest, and words that were not said (word error rate)",
    "dnsmos_p808": "sound quality as DNSMOS P808 hears it, 1 to 5",
    "likeness": "cosine of the voice with the script's own (resemblyzer)",
    "clicks": "beginnings and ends of sound with a jump larger than any inside it",
    "clipped": "samples at full scale",
    "pace": "words said in a minute of sound",
}  # fmt: skip


def meaning(figure: str) -> str:
    """What a figure says; of "right_likely" or "did/resume" that of its parts."""
    if figure in MEANINGS:
        return MEANINGS[figure]
    whole, _, part = figure.partition("/")
    stem, _, reading = whole.rpartition("_")
    if whole not in MEANINGS and reading in ("likely", "closed"):
        return f"{MEANINGS[stem]}; {MEANINGS[reading]}"
    return MEANINGS[whole] + (f" ({part})" if part else "")
