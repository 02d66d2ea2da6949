"""How much work the known lattice attacks need against the encryption of stored vectors and queries.

    python3 estimate.py             prints the estimate
    python3 estimate.py --check     compares it with estimate.txt beside this file; exit code 1 if they differ

The problem: given samples (a, <a, s> + e mod q) with uniformly random a, a uniform ternary secret s of dimension n and
a small error e, find s, or tell the samples from random ones. The ring structure is ignored: no published attack on
power-of-two cyclotomic rings with such secrets gains from it. Samples are not scarce: a block has 128 ring elements
under one secret, a query 16, and each of them is n samples. An attack takes as many as suit it.

Sources. A formula below that names a paper means one of these:

    ADPS16    Alkim, Ducas, Pöppelmann, Schwabe: Post-quantum key exchange. eprint 2015/1092
    AGVW17    Albrecht, Göpfert, Virdia, Wunderer: Revisiting the expected cost of solving uSVP. eprint 2017/815
    Alb17     Albrecht: On dual lattice attacks against small-secret LWE. eprint 2017/047
    BDGL16    Becker, Ducas, Gama, Laarhoven: New directions in nearest neighbor searching. eprint 2015/1128
    BG14      Bai, Galbraith: Lattice decoding attacks on binary LWE. eprint 2013/839
    Chen13    Chen: the doctoral thesis on lattice reduction and homomorphic encryption, Paris 7, 2013
    CL21      Chailloux, Loyer: Lattice sieving via quantum random walks ("ChaLoy21"). eprint 2021/570
    EJK20     Espitau, Joux, Kharchenko: On a dual/hybrid approach to small secret LWE. eprint 2020/515
    HES18     Albrecht and others: Homomorphic encryption standard, 2018. eprint 2019/939
    HG07      Howgrave-Graham: A hybrid lattice-reduction and meet-in-the-middle attack against NTRU. CRYPTO 2007
    Laa15     Laarhoven: Search problems in cryptography. Doctoral thesis, Eindhoven, 2015
    LP11      Lindner, Peikert: Better key sizes (and attacks) for LWE-based encryption. eprint 2010/613
    SG24      Bossuat and others: Security guidelines for implementing homomorphic encryption. eprint 2024/463

Standard library only. Costs are base-2 logarithms of numbers of operations; "log" without a base is the natural one.
"""

import argparse
import difflib
import enum
import math
import pathlib
import sys
from typing import NamedTuple

KEPT = pathlib.Path(__file__).with_name("estimate.txt")

# Standard deviation of the centred binomial error: sqrt(eta / 2) with eta = 21.
ERROR = math.sqrt(21 / 2)
# That of the tables: 8 / sqrt(2 pi).
TABLE_ERROR = 8 / math.sqrt(2 * math.pi)
# Standard deviation of a uniform ternary value, and its entropy in bits.
TERNARY = math.sqrt(2 / 3)
TERNARY_BITS = math.log2(3)

# Block sizes that the searches try. Chen's formula holds from about 50.
SMALLEST_BLOCK = 60
LARGEST_BLOCK = 2000

LEVELS = (128, 192, 256)
# Numbers of blocks and queries that share their reference polynomials, as powers of two.
USES = (20, 30, 40)


class Instance(NamedTuple):
    """LWE with a uniform ternary secret: its dimension, log2 of the modulus, the error's standard deviation."""

    dimension: int
    modulus_bits: float
    error: float

    def log_modulus(self):
        return self.modulus_bits * math.log(2)

    def log_scale(self):
        """How much the secret's coordinates are stretched to be as long as the error's (BG14): log(error / secret)."""
        return math.log(self.error / TERNARY)


class Attacker(enum.Enum):
    """Which computers the attacker has."""

    CLASSICAL = enum.auto()
    QUANTUM = enum.auto()


class Model(NamedTuple):
    """The cost of lattice reduction with blocks of beta: 2^(exponent * beta) and nothing else ("core-SVP", ADPS16)."""

    name: str
    exponent: float
    attacker: Attacker


MODELS = (
    Model("classical 0.292 (BDGL16)", 0.292, Attacker.CLASSICAL),
    Model("quantum 0.265 (Laa15)", 0.265, Attacker.QUANTUM),
    Model("quantum 0.257 (CL21)", 0.257, Attacker.QUANTUM),
)


class Engine(NamedTuple):
    """A parameter set of the project."""

    name: str
    modulus: str
    instance: Instance


ENGINES = (
    Engine("engine 2", "61441 * 40961", Instance(2048, math.log2(61441 * 40961), ERROR)),
    Engine("engine 1", "1032193 * 995329", Instance(2048, math.log2(1032193 * 995329), ERROR)),
)


class Table(NamedTuple):
    """The largest log2 q that a table allows for 128, 192 and 256 bits; n = 2048, ternary secrets."""

    name: str
    limits: tuple[int, int, int]


TABLES = (
    Table("HES18, classical", (54, 37, 29)),
    Table("HES18, quantum", (51, 35, 27)),
    Table("SG24 Table 5.2, classical", (53, 36, 27)),
    Table("SG24 authors' script with CL21", (40, 29, 22)),
)

# Rows for ternary secrets and classical attackers: n, then the largest log2 q for 128, 192 and 256 bits.
CALIBRATION = (
    ("HES18", 1024, (27, 19, 14)),
    ("HES18", 2048, (54, 37, 29)),
    ("HES18", 4096, (109, 75, 58)),
    ("SG24 Table 5.2", 2048, (53, 36, 27)),
)


# Lattice reduction.


def log_delta(block):
    """Log of the root-Hermite factor that BKZ with blocks of beta reaches.

    Chen13: delta = ((pi beta)^(1/beta) * beta / (2 pi e))^(1 / (2 (beta - 1))).
    """
    return (math.log(math.pi * block) / block + math.log(block / (2 * math.pi * math.e))) / (2 * (block - 1))


def best_dimension(log_cost, delta, smallest):
    """The lattice dimension d that minimises log_cost / d + d * log(delta): sqrt(log_cost / log(delta)).

    The primal and the dual attack both reach this form when the number of samples is the attacker's choice (LP11).
    """
    return max(smallest, round(math.sqrt(log_cost / delta)))


def log_volume_defect(instance, unknowns):
    """C in log(volume) = d log(q) - C for the lattice of `primal_block`, whose dimension is d."""
    return (unknowns + 1) * instance.log_modulus() - unknowns * instance.log_scale()


# Attacks. Each returns the base-2 logarithm of its cost, and the choices that reach it.


class Attack(NamedTuple):
    """The cheapest variant of an attack: log2 of its cost, block size, samples, guessed coordinates."""

    cost: float
    block: int
    samples: int
    guessed: int


def primal_block(instance, guessed=0):
    """The smallest block size with which BKZ finds the secret, and the number of samples that it takes.

    Kannan's embedding as BG14 scale it: the unique shortest vector (e, error/secret * s, 1) in a lattice of dimension
    d = m + n + 1 and volume q^m (error/secret)^n. BKZ finds it if (ADPS16 section 6.3, AGVW17 equation 2)

        error * sqrt(beta) <= delta^(2 beta - d) * volume^(1/d).

    With `guessed` > 0 that many coordinates of the secret are taken as known.
    """
    unknowns = instance.dimension - guessed
    defect = log_volume_defect(instance, unknowns)
    for block in range(SMALLEST_BLOCK, LARGEST_BLOCK):
        delta = log_delta(block)
        dimension = best_dimension(defect, delta, unknowns + 2)
        projected = (2 * block - dimension) * delta + instance.log_modulus() - defect / dimension
        if math.log(instance.error) + math.log(block) / 2 <= projected:
            return block, dimension - unknowns - 1
    raise ValueError(f"no block size below {LARGEST_BLOCK} solves {instance}")


def primal(instance, model):
    """Primal attack: one reduction that finds the unique shortest vector (ADPS16, AGVW17)."""
    block, samples = primal_block(instance)
    return Attack(model.exponent * block, block, samples, 0)


def dual_vector(instance, unknowns, block):
    """tau = length * error / q of a short dual vector, and the number of samples.

    Alb17 section 4: (y, z) with z = A^T y mod q, z scaled by secret/error, so that y e + z s has the standard deviation
    length * error. Dimension d = m + n, volume (q secret/error)^n, length = delta^(d-1) volume^(1/d) (ADPS16).
    """
    delta = log_delta(block)
    log_volume = unknowns * (instance.log_modulus() - instance.log_scale())
    dimension = best_dimension(log_volume, delta, unknowns + 1)
    log_length = (dimension - 1) * delta + log_volume / dimension
    return math.exp(log_length + math.log(instance.error) - instance.log_modulus()), dimension - unknowns


def reduction(model, block, vectors):
    """log2 of the cost of 2^vectors short vectors: each sieve gives 2^(0.2075 beta) of them at once (ADPS16)."""
    return model.exponent * block + max(0.0, vectors - 0.2075 * block)


def dual(instance, model):
    """Dual attack: telling samples from random ones with many short dual vectors.

    ADPS16 section 6.4: one vector has the advantage 4 exp(-2 pi^2 tau^2), and 1 / advantage^2 vectors are needed. All
    vectors of a sieve are taken to be as short as the shortest, in the attacker's favour.
    """

    def attack(block):
        tau, samples = dual_vector(instance, instance.dimension, block)
        advantage = 2 - 2 * (math.pi * tau) ** 2 * math.log2(math.e)
        return Attack(reduction(model, block, -2 * advantage), block, samples, 0)

    return least(attack, SMALLEST_BLOCK, LARGEST_BLOCK)


def dual_with_guessing(instance, model):
    """Dual attack on n - k coordinates of the secret, trying all 3^k values of the others (Alb17, EJK20).

    The right guess gives each vector the mean exp(-2 pi^2 tau^2). To stand out from 3^k wrong ones it takes
    N = k log(3) exp(4 pi^2 tau^2) vectors. All guesses are tried with the same vectors, which costs 3^k operations, one
    for each guess: less than any published method. A quantum attacker may use Grover's algorithm over the guesses and
    amplitude estimation over the vectors instead, 3^(k/2) sqrt(N). Modulus switching is not modelled; see README.md.
    """

    def attack(block, guessed):
        tau, samples = dual_vector(instance, instance.dimension - guessed, block)
        vectors = math.log2(guessed * math.log(3)) + (2 * math.pi * tau) ** 2 * math.log2(math.e)
        guessing = TERNARY_BITS * guessed
        if model.attacker is Attacker.QUANTUM:
            guessing = min(guessing, (guessing + vectors) / 2)
        return Attack(log2_sum(reduction(model, block, vectors), guessing), block, samples, guessed)

    def with_guessed(guessed):
        return least(lambda block: attack(block, guessed), SMALLEST_BLOCK, LARGEST_BLOCK)

    return least(with_guessed, 1, instance.dimension // 4)


def nearest_plane(instance, unknowns, block):
    """log2 of the probability that Babai's nearest plane algorithm finds the error, and the number of samples.

    LP11 section 4: the product of erf(length / (2 sqrt(2) error)) over the Gram-Schmidt lengths, which fall
    geometrically: delta^(d - 2i) volume^(1/d), i = 0..d-1. The shortest are last; from there on up the factors grow to
    1, so the product ends early.
    """
    delta = log_delta(block)
    defect = log_volume_defect(instance, unknowns)
    dimension = best_dimension(defect, delta, unknowns + 2)
    length = math.exp((2 - dimension) * delta + instance.log_modulus() - defect / dimension)
    ratio = length / (2 * math.sqrt(2) * instance.error)
    growth = math.exp(2 * delta)
    log_probability = 0.0
    for _ in range(dimension):
        # erf(4.5) differs from 1 by 2e-10.
        if ratio > 4.5:
            break
        log_probability += math.log2(math.erf(ratio))
        ratio *= growth
    return log_probability, dimension - unknowns - 1


def hybrid(instance, model):
    """Hybrid attack: reduction for n - k coordinates, then nearest plane for all values of the other k (HG07).

    The meet in the middle is idealised: 3^(k/2) operations, one for each run of nearest plane, no missed collisions,
    free memory. Grover's algorithm over the guesses costs the same, so all models count it.
    """

    def attack(block, guessed):
        probability, samples = nearest_plane(instance, instance.dimension - guessed, block)
        cost = log2_sum(model.exponent * block, TERNARY_BITS * guessed / 2) - probability
        return Attack(cost, block, samples, guessed)

    def with_guessed(guessed):
        return least(lambda block: attack(block, guessed), SMALLEST_BLOCK, LARGEST_BLOCK)

    return least(with_guessed, 0, instance.dimension // 4)


def free_decoding(instance, model):
    """A bound, not an attack: the hybrid, if every guess were decoded for one operation from a basis of `primal`.

    `primal` decodes with a sieve in the last block. Here the 3^(k/2) guesses of an idealised meet in the middle get
    that for nothing: 2^(exponent * beta(n - k)) + 3^(k/2). No algorithm is known that does this.
    """

    def attack(guessed):
        block, samples = primal_block(instance, guessed)
        cost = log2_sum(model.exponent * block, TERNARY_BITS * guessed / 2)
        return Attack(cost, block, samples, guessed)

    return least(attack, 0, instance.dimension // 4)


ATTACKS = (
    ("primal", primal),
    ("dual", dual),
    ("dual with guessing", dual_with_guessing),
    ("hybrid", hybrid),
    ("bound: free decoding", free_decoding),
)


def least(attack, low, high):
    """The cheapest attack(i) for low <= i < high, where the cost falls and then rises: in steps of 16, then of 1."""
    coarse = min(range(low, high, 16), key=lambda i: attack(i).cost)
    fine = range(max(low, coarse - 15), min(high, coarse + 16))
    return min(map(attack, fine), key=lambda found: found.cost)


def log2_sum(first, second):
    """log2(2^first + 2^second), without overflow."""
    high, low = max(first, second), min(first, second)
    return high + math.log2(1 + 2 ** (low - high))


# Levels from tables.


def interpolated_level(limits, modulus_bits):
    """The level of a modulus between rows of a table: linear in 1 / log2(q) between neighbouring rows.

    The level is nearly a constant over log2(q), so it is nearly linear in 1 / log2(q), while a line in log2(q) itself
    passes above it (part 6 of the report). Above the first limit there is no level: 0. Below the last one it is the
    last level.
    """
    rows = list(zip(limits, LEVELS))
    for (upper, low), (lower, high) in zip(rows, rows[1:]):
        if lower < modulus_bits <= upper:
            return low + (high - low) * (1 / modulus_bits - 1 / upper) / (1 / lower - 1 / upper)
    return 0.0 if modulus_bits > limits[0] else float(LEVELS[-1])


def straight_level(limits, modulus_bits):
    """The same, linear in log2(q): for comparison only."""
    rows = list(zip(limits, LEVELS))
    for (upper, low), (lower, high) in zip(rows, rows[1:]):
        if lower < modulus_bits <= upper:
            return low + (high - low) * (upper - modulus_bits) / (upper - lower)
    return 0.0 if modulus_bits > limits[0] else float(LEVELS[-1])


def largest_modulus(level_of, wanted):
    """The largest log2(q), to a hundredth, whose level is at least the wanted one; level_of must fall."""
    low, high = 1000, 6000
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if level_of(middle / 100) >= wanted else (low, middle)
    return low / 100


def largest_use(level):
    """The number of blocks and queries whose loss leaves 128 bits, as text."""
    return f"2^{level - LEVELS[0]:.1f}" if level >= LEVELS[0] else "none"


# The report.


def parameters():
    yield "1. Parameters: n = 2048, uniform ternary secrets, error centred binomial with eta = 21"
    yield ""
    yield f"{'':10}{'q':>18}{'log2 q':>9}{'error':>8}"
    for name, modulus, instance in ENGINES:
        yield f"{name:10}{modulus:>18}{instance.modulus_bits:9.2f}{instance.error:8.3f}"


def calibration():
    yield "2. Calibration: this estimate at the limits of published tables (ternary secrets, classical attackers)"
    yield ""
    yield "HES18 counts 0.292 beta + 16.4 + log2(8 d), and the SG24 authors' script the gates of MATZOV's report;"
    yield "core-SVP leaves constants out. Last column: the primal attack with HES18's constants."
    yield ""
    heads = ("log2 q", "level", "beta", "primal", "dual", "with constants")
    yield f"{'table':16}{'n':>6}" + "".join(f"{head:>{max(8, len(head) + 2)}}" for head in heads)
    for name, dimension, limits in CALIBRATION:
        for modulus_bits, level in zip(limits, LEVELS):
            instance = Instance(dimension, modulus_bits, TABLE_ERROR)
            found, dual_found = primal(instance, MODELS[0]), dual(instance, MODELS[0])
            constants = 16.4 + math.log2(8 * (dimension + found.samples + 1))
            yield (
                f"{name:16}{dimension:6}{modulus_bits:8}{level:8}{found.block:8}{found.cost:8.1f}"
                f"{dual_found.cost:8.1f}{found.cost + constants:16.1f}"
            )


def estimates(found):
    yield "3. Estimates against one secret: log2 of the cost in each model"
    yield ""
    yield f"{'':10}{'attack':22}{'model':26}{'bits':>7}{'beta':>7}{'samples':>9}{'guessed':>9}"
    for (engine, attack, model), result in found.items():
        yield (
            f"{engine:10}{attack:22}{model:26}{result.cost:7.1f}{result.block:7}{result.samples:9}{result.guessed:9}"
        )


def losses(found):
    yield "4. The same for many secrets: less log2(blocks + queries)"
    yield ""
    yield "All blocks and queries of a vault share their reference polynomials. A hybrid argument over the secrets"
    yield "bounds the advantage against all by (blocks + queries) times the advantage against one."
    yield ""
    columns = "".join(f"{f'2^{bits}':>8}" for bits in USES)
    yield f"{'':10}{'attack':22}{'model':26}{'one':>8}{columns}{'128 bits up to':>17}"
    for (engine, attack, model), result in found.items():
        left = "".join(f"{result.cost - bits:8.1f}" for bits in USES)
        yield f"{engine:10}{attack:22}{model:26}{result.cost:8.1f}{left}{largest_use(result.cost):>17}"


def limits():
    yield "5. Limits checked at load: level by table, linear in 1 / log2(q) between rows, less log2(blocks + queries)"
    yield ""
    columns = "".join(f"{f'2^{bits}':>8}" for bits in USES)
    yield f"{'':10}{'table':32}{'128':>5}{'192':>5}{'256':>5}{'level':>9}{columns}{'128 bits up to':>17}"
    for name, _, instance in ENGINES:
        for table in TABLES:
            level = interpolated_level(table.limits, instance.modulus_bits)
            rows = "".join(f"{limit:5}" for limit in table.limits)
            left = "".join(f"{level - bits:8.1f}" for bits in USES)
            yield f"{name:10}{table.name:32}{rows}{level:9.1f}{left}{largest_use(level):>17}"
    yield ""
    yield "Largest log2 q for 128 bits after the loss:"
    yield ""
    yield f"{'table':32}{columns}"
    for table in TABLES:
        largest = [largest_modulus(lambda bits: interpolated_level(table.limits, bits), 128 + use) for use in USES]
        yield f"{table.name:32}" + "".join(f"{modulus_bits:8.2f}" for modulus_bits in largest)


def interpolation():
    yield "6. Two ways to interpolate: the primal estimate (0.257) less its interpolation from 128, 192 and 256 bits"
    yield ""

    def level(modulus_bits):
        return primal(Instance(2048, modulus_bits, ERROR), MODELS[2]).cost

    rows = tuple(largest_modulus(level, wanted) for wanted in LEVELS)
    yield f"rows at log2 q = {rows[0]:.2f}, {rows[1]:.2f}, {rows[2]:.2f}"
    yield ""
    yield f"{'log2 q':>8}{'estimate':>10}{'less linear in 1 / log2(q)':>28}{'less linear in log2(q)':>24}"
    for modulus_bits in range(math.ceil(rows[2]), math.floor(rows[0]) + 1, 2):
        true = level(modulus_bits)
        inverse = true - interpolated_level(rows, modulus_bits)
        straight = true - straight_level(rows, modulus_bits)
        yield f"{modulus_bits:8}{true:10.1f}{inverse:+28.1f}{straight:+24.1f}"


def report():
    """The whole text, as it stands in estimate.txt."""
    found = {
        (engine.name, name, model.name): attack(engine.instance, model)
        for engine in ENGINES
        for name, attack in ATTACKS
        for model in MODELS
    }
    parts = (parameters(), calibration(), estimates(found), losses(found), limits(), interpolation())
    return "\n\n\n".join("\n".join(part) for part in parts) + "\n"


def main():
    """Prints the report, or compares it with the kept one. Returns the exit code."""
    arguments = argparse.ArgumentParser(description="Estimate of the security of the encrypted search.")
    arguments.add_argument("--check", action="store_true", help="compare with estimate.txt instead of printing")
    is_check = arguments.parse_args().check
    text = report()
    if not is_check:
        sys.stdout.write(text)
        return 0
    kept = KEPT.read_text(encoding="utf-8")
    if text == kept:
        print(f"{KEPT.name} is what this script computes")
        return 0
    lines = difflib.unified_diff(kept.splitlines(), text.splitlines(), "kept", "computed", lineterm="")
    print("\n".join(lines), file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
