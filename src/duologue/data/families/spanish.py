"""Spanish words of the closed world and their English, chosen by hand among the everyday ones. Plain values, lower case.

Read `english`: the words of a line, translated.
"""

from collections.abc import Sequence
from typing import NamedTuple


class Noun(NamedTuple):
    """A noun in the singular, and whether it is feminine."""

    es: str
    en: str
    feminine: bool


_MASCULINE = """perro dog, gato cat, libro book, pan bread, queso cheese, vaso glass, coche car, tren train, barco boat,
árbol tree, río river, mar sea, sol sun, cielo sky, día day, año year, niño boy, hombre man, amigo friend, padre father,
hermano brother, hijo son, médico doctor, maestro teacher, caballo horse, pájaro bird, pez fish, ratón mouse, huevo egg,
arroz rice, café coffee, té tea, vino wine, zapato shoe, sombrero hat, reloj clock, papel paper, lápiz pencil,
teléfono phone, dinero money, jardín garden, camino road, pueblo village, mercado market, puente bridge, fuego fire,
viento wind, invierno winter, verano summer, espejo mirror, plato plate, cuchillo knife, anillo ring, juego game,
regalo present, sueño dream"""
_FEMININE = """casa house, mesa table, silla chair, puerta door, ventana window, cama bed, cocina kitchen, calle street,
ciudad city, escuela school, tienda shop, iglesia church, playa beach, montaña mountain, isla island, flor flower,
manzana apple, naranja orange, leche milk, sopa soup, carne meat, sal salt, cena dinner, botella bottle, taza cup,
cuchara spoon, llave key, carta letter, pluma pen, palabra word, canción song, música music, luz light, noche night,
mañana morning, semana week, lluvia rain, nieve snow, luna moon, estrella star, mujer woman, niña girl, madre mother,
hermana sister, hija daughter, vaca cow, oveja sheep, gallina hen, camisa shirt, falda skirt, bolsa bag, caja box,
piedra stone, mano hand, cabeza head, boca mouth"""
_QUALITIES = """rojo red, blanco white, negro black, amarillo yellow, verde green, azul blue, gris grey, grande big,
pequeño small, nuevo new, viejo old, alto tall, bajo low, largo long, corto short, frío cold, caliente hot, bueno good,
malo bad, bonito pretty, feo ugly, rico rich, pobre poor, limpio clean, sucio dirty, lleno full, vacío empty,
rápido fast, lento slow, fuerte strong, débil weak, joven young, triste sad, feliz happy, dulce sweet, duro hard,
seco dry, oscuro dark, claro bright, cansado tired"""
_ACTIONS = """come eats, bebe drinks, compra buys, vende sells, tiene has, quiere wants, ve sees, busca seeks, lleva carries,
abre opens, cierra closes, lee reads, escribe writes, lava washes, pinta paints, pierde loses,
encuentra finds, mira watches, necesita needs, prepara prepares, rompe breaks, conoce knows, olvida forgets"""
_COUNTED = "uno one, dos two, tres three, cuatro four, cinco five, seis six, siete seven, ocho eight, nueve nine, diez ten, once eleven, doce twelve"
_REST = """hoy today, ayer yesterday, ahora now, aquí here, allí there, siempre always, nunca never, también also, muy very,
mucho much, poco little, gracias thanks, hola hello, sí yes, no no, bien well, tarde late, temprano early, lunes monday,
martes tuesday, miércoles wednesday, jueves thursday, viernes friday, sábado saturday, domingo sunday"""


def _pairs(text: str) -> tuple[tuple[str, str], ...]:
    return tuple(tuple(pair.split()) for pair in text.split(","))


NOUNS = (*(Noun(*pair, False) for pair in _pairs(_MASCULINE)), *(Noun(*pair, True) for pair in _pairs(_FEMININE)))
ADJECTIVES, VERBS, NUMBERS, OTHERS = map(_pairs, (_QUALITIES, _ACTIONS, _COUNTED, _REST))


def adjective(word: str, feminine: bool) -> str:
    """An adjective as it stands after a noun of this gender: those in -o end in -a after a feminine one."""
    return word[:-1] + "a" if feminine and word.endswith("o") else word


DETERMINERS = (("el", "la", "the"), ("un", "una", "a"), ("este", "esta", "this"), ("mi", "mi", "my"))  # masculine, feminine, English
_QUALITY = {form: en for es, en in ADJECTIVES for form in (es, adjective(es, True))}
_NAMES = {noun.es: noun.en for noun in NOUNS}
_ENGLISH = {form: en for *forms, en in DETERMINERS for form in forms} | dict((*NUMBERS, *OTHERS, *VERBS)) | _NAMES | _QUALITY


def known(word: str) -> bool:
    """Whether it is one of these Spanish words."""
    return word in _ENGLISH


def english(words: Sequence[str]) -> list[str]:
    """Word by word, a noun and the adjective after it turned round. Each word must be `known`."""
    said = [_ENGLISH[word] for word in words]
    for k in range(1, len(words)):
        if words[k - 1] in _NAMES and words[k] in _QUALITY:
            said[k - 1], said[k] = said[k], said[k - 1]
    return said
