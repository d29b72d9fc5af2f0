"""Profiles of the items of the basket, in the terms of the vocabulary: which attributes a product should have.

Written from the items' titles and the collection instructions. A profile suggests, it does not decide: the model
learns from labels how much each agreement counts. Definite rules are in the dbt seed `item_specifications`.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Profile:
    """Expected attributes of the products of an item.

    `wanted`: terms of its kind. `contrary`: terms of products outside of the item. `sizes`: the pack's total size,
    lowest and highest, in its measure. `piece_sizes`: size of one piece (bottle, can, pot). `pieces`: how many.
    `european`: whether it must come from Europe. `strength_abv`: lowest and highest, % of volume. None = anything.
    """

    wanted: tuple[str, ...]
    contrary: tuple[str, ...] = ()
    measure: str | None = None
    sizes: tuple[float, float] | None = None
    piece_sizes: tuple[float, float] | None = None
    pieces: tuple[int, int] | None = None
    european: bool | None = None
    strength_abv: tuple[float, float] | None = None


_NOT_A_SPIRIT = (
    *("cola", "coffee", "mixer_water", "orange_juice", "juice", "juice_drink", "other_fizzy", "gift", "cider", "ale"),
    *("other_grocery", "liqueur", "energy_drink"),
)
_SPIRIT_ML = (680.0, 1000.0)

PROFILES: dict[int, Profile] = {
    210111: Profile(
        ("white_bread", "sliced_loaf"),
        ("wholemeal", "brown_seeded", "instore_bakery", "rolls_flatbread", "little_loaf", "free_from"),
        *("g", (750.0, 850.0)),
    ),
    210113: Profile(
        ("wholemeal",),
        ("brown_seeded", "instore_bakery", "rolls_flatbread", "little_loaf", "free_from", "white_bread"),
        *("g", (750.0, 850.0)),
    ),
    210204: Profile(
        ("pasta",),
        ("other_flour_pasta", "free_from", "egg_fresh_pasta", "lasagne", "tinned", "other_grocery"),
        *("g", (450.0, 550.0)),
    ),
    210213: Profile(
        ("chocolate", "sugared"),
        ("hot_cereal", "granola", "cereal_bar", "free_from", "unsugared_cereal", "tinned", "mixed", "fortified"),
        *("g", (250.0, 800.0)),
    ),
    210214: Profile(
        ("unsugared_cereal",),
        ("hot_cereal", "granola", "cereal_bar", "chocolate", "sugared", "free_from", "tinned", "other_grocery"),
        *("g", (250.0, 1000.0)),
    ),
    210302: Profile(
        ("plain_biscuit",),
        (
            "filled",
            "chocolate",
            "free_from",
            "other_grocery",
            "tinned",
            "hot_cereal",
            "granola",
            "other_cheese",
            "prepared",
        ),
        *("g", (180.0, 420.0)),
    ),
    211305: Profile(
        ("spreadable",), ("spread", "flavoured", "block_butter", "other_grocery", "other_cheese"), "g", (450.0, 550.0)
    ),
    211501: Profile(
        ("cheddar",),
        (
            "other_cheese",
            "grated_sliced",
            "reduced_fat",
            "smoked",
            "free_from",
            "imported_cheese",
            "flavoured",
            "light",
        ),
        *("g", (150.0, 500.0)),
    ),
    211709: Profile(
        ("whole_milk",),
        ("semi_skimmed", "skimmed", "other_milk", "milk_drink", "fortified", "long_life", "free_from", "flavoured"),
        *("ml", (1950.0, 2300.0)),
    ),
    211710: Profile(
        ("semi_skimmed",),
        ("whole_milk", "skimmed", "milk_drink", "fortified", "long_life", "free_from", "flavoured"),
        *("ml", (950.0, 1200.0)),
    ),
    211807: Profile(
        ("yoghurt", "fromage_frais"),
        ("yoghurt_drink", "dessert", "banana", "other_grocery", "tinned"),
        *("g", (200.0, 780.0), (50.0, 130.0), (4, 6)),
    ),
    211814: Profile(
        ("yoghurt",),
        ("yoghurt_drink", "dessert", "banana", "fromage_frais", "tinned"),
        *("g", (90.0, 200.0), (90.0, 200.0), (1, 1)),
    ),
    211901: Profile(
        ("speciality_tea",),
        ("decaf", "fruit_infusion", "loose_tea", "coffee", "cola", "juice", "mixer_water", "gift"),
        *("g", (220.0, 330.0)),
        pieces=(80, 100),
    ),
    212006: Profile(
        ("juice", "other_juice"), ("orange_juice", "juice_drink", "mixer_water"), "ml", (850.0, 1050.0), pieces=(1, 1)
    ),
    212011: Profile(
        ("cola",),
        ("flavoured", "can", "other_fizzy", "mixer_water", "mixed", "coffee", "alcohol_free"),
        *("ml", (1750.0, 2000.0)),
        pieces=(1, 1),
    ),
    212016: Profile(
        ("orange_juice",),
        ("other_juice", "juice_drink", "long_life", "mixer_water", "other_milk", "other_fizzy", "coffee"),
        *("ml", (900.0, 1050.0)),
        pieces=(1, 1),
    ),
    212017: Profile(
        ("other_fizzy",), ("can", "mixer_water", "juice", "cola", "energy_drink"), "ml", (450.0, 550.0), pieces=(1, 1)
    ),
    212319: Profile(("new_potato",), ("sweet_potato", "prepared", "other_vegetable")),
    212360: Profile(
        ("potato",), ("sweet_potato", "new_potato", "prepared", "red_potato", "tinned", "other_vegetable", "onion")
    ),
    212361: Profile(("potato",), ("sweet_potato", "new_potato", "prepared", "red_potato", "tinned", "other_vegetable")),
    212515: Profile(("tomato",), ("cherry_tomato", "mixed", "tinned", "other_vegetable", "prepared", "other_fruit")),
    212519: Profile(
        ("onion",),
        ("red_onion", "white_onion", "other_onion", "prepared", "tinned", "potato", "other_vegetable", "mixed"),
    ),
    212717: Profile(
        ("apple",),
        (
            "pink_apple",
            "cooking_apple",
            "pear",
            "organic",
            "other_fruit",
            "prepared",
            "mixed",
            "snack_pack",
            "grape",
            "juice",
        ),
    ),
    212719: Profile(("banana",), ("small_banana", "grape", "apple", "pear", "other_fruit", "chocolate", "mixed")),
    212720: Profile(
        ("strawberry",),
        ("other_fruit", "apple", "pear", "grape", "banana", "berries_mixed", "prepared", "yoghurt", "dessert", "mixed"),
    ),
    212722: Profile(
        ("grape",),
        ("snack_pack", "banana", "apple", "pear", "other_fruit", "berries_mixed", "prepared", "juice", "strawberry"),
    ),
    310207: Profile(
        ("ale",),
        (
            "lager",
            "stout_mild",
            "wheat_beer",
            "ginger_beer",
            "bottle",
            "mixer_water",
            "cola",
            "coffee",
            "juice",
            "alcohol_free",
            "cider",
        ),
        *("ml", (1700.0, 2000.0), (430.0, 510.0), (4, 4)),
        strength_abv=(3.4, 7.5),
    ),
    310215: Profile(
        ("lager",),
        (
            "can",
            "ale",
            "wheat_beer",
            "ginger_beer",
            "flavoured",
            "alcohol_free",
            "cider",
            "mixer_water",
            "cola",
            "coffee",
            "juice",
        ),
        *("ml", None, (270.0, 345.0), (1, 6)),
        strength_abv=(4.3, 7.5),
    ),
    310218: Profile(
        ("cider",),
        ("perry", "fruit_cider", "can", "alcohol_free", "juice", "mixer_water", "cola", "coffee", "other_brandy"),
        *("ml", (490.0, 760.0), (490.0, 760.0), (1, 1)),
        strength_abv=(4.5, 5.5),
    ),
    310401: Profile(("whisky",), ("bourbon", "irish_whiskey", *_NOT_A_SPIRIT), "ml", _SPIRIT_ML, pieces=(1, 1)),
    310403: Profile(("vodka",), ("flavoured_vodka", *_NOT_A_SPIRIT), "ml", _SPIRIT_ML, pieces=(1, 1)),
    310405: Profile(("brandy",), ("other_brandy", "flavoured", *_NOT_A_SPIRIT), "ml", _SPIRIT_ML, pieces=(1, 1)),
    310419: Profile(
        ("white_wine",),
        ("sparkling", "alcohol_free", "fortified_wine", "mixer_water", "juice", "cola", "coffee", "red_wine"),
        *("ml", (740.0, 760.0)),
        pieces=(1, 1),
        european=True,
    ),
    310421: Profile(
        ("red_wine",),
        (
            "sparkling",
            "alcohol_free",
            "fortified_wine",
            "spiced",
            "mixer_water",
            "juice",
            "cola",
            "coffee",
            "white_wine",
        ),
        *("ml", (740.0, 760.0)),
        pieces=(1, 1),
        european=True,
    ),
    310427: Profile(
        ("white_rum",), ("dark_rum", "flavoured", "spiced", *_NOT_A_SPIRIT), "ml", _SPIRIT_ML, pieces=(1, 1)
    ),
}
"""Item number → its profile. An item without one is judged by its words, size and price alone."""
