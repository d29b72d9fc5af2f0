"""Simulated shelves of food: for each item the kinds of products in scope and out of scope.

Written after the titles of the CPI items; brands are made up.
"""

from __future__ import annotations

from ons_bigdata.simulation.shop_shelves import Kind, Season, SimulatedItem

_CEREAL_PACKS = ("500G", "375G", "550G", "600G")

FOOD_ITEMS = (
    SimulatedItem(
        210111,
        "White sliced loaf",
        "White Bread",
        target=(
            Kind(("WHITE MEDIUM SLICED BREAD", "WHITE THICK SLICED BREAD", "SOFT WHITE SLICED LOAF"), ("800G",), 1.10),
            Kind(("WHITE TOASTIE SLICED BREAD", "FARMHOUSE WHITE SLICED LOAF"), ("800G",), 1.25),
        ),
        other=(
            Kind(("WHITE MEDIUM SLICED BREAD", "SOFT WHITE SLICED LOAF"), ("400G",), 0.75),
            Kind(("WHITE BREAD ROLLS", "PLAIN TORTILLA WRAPS"), ("6 PACK", "8 PACK"), 1.20),
            Kind(("CRUSTY WHITE BLOOMER UNSLICED", "BROWN SLICED LOAF"), ("800G",), 1.35),
        ),
    ),
    SimulatedItem(
        210113,
        "Wholemeal sliced loaf",
        "Brown Bread",
        target=(
            Kind(("WHOLEMEAL MEDIUM SLICED BREAD", "WHOLEMEAL THICK SLICED BREAD"), ("800G",), 1.15),
            Kind(("SOFT WHOLEMEAL SLICED LOAF", "STONEGROUND WHOLEMEAL SLICED LOAF"), ("800G",), 1.30),
        ),
        other=(
            Kind(("WHOLEMEAL MEDIUM SLICED BREAD", "SOFT WHOLEMEAL SLICED LOAF"), ("400G",), 0.80),
            Kind(("GRANARY SLICED BREAD", "MALTED BROWN SLICED LOAF", "SEEDED WHITE SLICED LOAF"), ("800G",), 1.40),
            Kind(("WHOLEMEAL PITTA BREAD", "WHOLEMEAL ROLLS"), ("6 PACK",), 0.90),
        ),
    ),
    SimulatedItem(
        210204,
        "Dry spaghetti or pasta",
        "Dried Pasta",
        target=(
            Kind(("SPAGHETTI", "PENNE", "FUSILLI", "CONCHIGLIE", "LINGUINE", "FARFALLE"), ("500G",), 0.95),
            Kind(("WHOLEWHEAT SPAGHETTI", "WHOLEWHEAT PENNE", "MACARONI"), ("500G",), 1.05),
        ),
        other=(
            Kind(("SPAGHETTI", "PENNE"), ("3KG",), 3.60),
            Kind(("EGG TAGLIATELLE", "EGG LASAGNE SHEETS", "RED LENTIL PASTA"), ("250G",), 1.30),
            Kind(("FRESH RAVIOLI", "FRESH TORTELLINI"), ("300G",), 2.20),
            Kind(("GLUTEN FREE PENNE", "RICE NOODLES"), ("500G", "250G"), 1.60),
        ),
    ),
    SimulatedItem(
        210213,
        "Breakfast cereal 1",
        "Family Cereal",
        target=(
            Kind(("FROSTED FLAKES", "HONEY NUT HOOPS", "SUGAR COATED PUFFS"), _CEREAL_PACKS, 2.40),
            Kind(("CHOCOLATE RICE POPS", "CHOCOLATE HOOPS", "CINNAMON SUGAR SQUARES"), _CEREAL_PACKS, 2.55),
        ),
        other=(
            Kind(("PORRIDGE OATS", "UNSWEETENED MUESLI"), ("1KG", "750G"), 1.90),
            Kind(("CEREAL BARS", "CHOCOLATE CEREAL BARS"), ("6X22G",), 1.75),
            Kind(("PLAIN BRAN FLAKES", "PLAIN CORNFLAKES"), ("500G", "750G"), 2.00),
        ),
        shrinks=True,
    ),
    SimulatedItem(
        210214,
        "Breakfast cereal 2",
        "Healthy Cereal",
        target=(
            Kind(("CORNFLAKES", "BRAN FLAKES", "PUFFED RICE CEREAL"), ("500G", "375G", "750G"), 2.00),
            Kind(("WHOLEWHEAT BISCUITS CEREAL", "SHREDDED WHEAT", "MALTED WHEATS"), ("430G", "500G"), 2.20),
        ),
        other=(
            Kind(("FROSTED FLAKES", "CHOCOLATE HOOPS"), _CEREAL_PACKS, 2.40),
            Kind(("PORRIDGE OATS", "CHOCOLATE GRANOLA"), ("1KG", "500G"), 2.30),
            Kind(("CEREAL BARS", "OAT BARS"), ("6X25G", "5X35G"), 1.60),
        ),
        shrinks=True,
    ),
    SimulatedItem(
        210302,
        "Plain biscuits",
        "Everyday Biscuits",
        target=(
            Kind(("DIGESTIVE BISCUITS", "RICH TEA BISCUITS", "MARIE BISCUITS"), ("300G", "250G", "200G"), 0.95),
            Kind(("SHORTCAKE BISCUITS", "MALTED MILK BISCUITS", "ARROWROOT BISCUITS"), ("250G", "200G", "300G"), 1.00),
        ),
        other=(
            Kind(("MILK CHOCOLATE DIGESTIVE BISCUITS", "CUSTARD CREAM BISCUITS"), ("300G",), 1.35),
            Kind(("CHOCOLATE CHIP COOKIES", "ICED RING BISCUITS"), ("200G", "150G"), 1.20),
            Kind(("CREAM CRACKERS", "CHEESE CRACKERS"), ("300G", "150G"), 0.90),
        ),
        shrinks=True,
    ),
    SimulatedItem(
        211305,
        "Spreadable butter",
        "Butter and Spreads",
        target=(
            Kind(("SPREADABLE BUTTER", "SLIGHTLY SALTED SPREADABLE BUTTER"), ("500G",), 2.70),
            Kind(("UNSALTED SPREADABLE BUTTER", "LIGHTER SPREADABLE BUTTER"), ("500G",), 2.60),
        ),
        other=(
            Kind(("SPREADABLE BUTTER", "LIGHTER SPREADABLE BUTTER"), ("250G",), 1.60),
            Kind(("OLIVE SPREAD", "SUNFLOWER SPREAD", "BAKING MARGARINE"), ("500G", "1KG"), 1.40),
            Kind(("SALTED BLOCK BUTTER", "UNSALTED BLOCK BUTTER"), ("250G",), 1.20),
        ),
    ),
    SimulatedItem(
        211501,
        "Cheddar cheese",
        "Cheddar",
        target=(
            Kind(("MATURE CHEDDAR", "MILD CHEDDAR", "EXTRA MATURE CHEDDAR"), ("350G", "250G", "400G", "500G"), 3.00),
            Kind(("WEST COUNTRY FARMHOUSE CHEDDAR", "SCOTTISH MATURE CHEDDAR"), ("350G", "250G"), 3.40),
        ),
        other=(
            Kind(("GRATED MATURE CHEDDAR", "MILD CHEDDAR SLICES"), ("250G", "200G"), 2.30),
            Kind(("CANADIAN VINTAGE CHEDDAR", "NEW ZEALAND MATURE CHEDDAR"), ("250G",), 2.80),
            Kind(("RED LEICESTER", "DOUBLE GLOUCESTER", "BLUE STILTON"), ("350G", "220G"), 2.90),
        ),
        shrinks=True,
    ),
    SimulatedItem(
        211709,
        "Whole milk",
        "Whole Milk",
        target=(
            Kind(("WHOLE MILK", "FRESH WHOLE MILK"), ("2.272L/4 PINTS", "2L"), 1.20),
            Kind(("FILTERED WHOLE MILK", "ORGANIC WHOLE MILK"), ("2L", "2.272L/4 PINTS"), 1.60),
        ),
        other=(
            Kind(("WHOLE MILK", "FRESH WHOLE MILK"), ("568ML/1 PINT",), 0.50),
            Kind(("GOATS WHOLE MILK", "SOYA DRINK", "OAT DRINK"), ("1L",), 1.45),
            Kind(("CHOCOLATE FLAVOURED MILK", "STRAWBERRY MILKSHAKE"), ("1L", "330ML"), 1.50),
        ),
        guests_from=211710,
    ),
    SimulatedItem(
        211710,
        "Semi-skimmed milk",
        "Semi-Skimmed Milk",
        target=(
            Kind(("SEMI-SKIMMED MILK", "FRESH SEMI-SKIMMED MILK"), ("1.136L/2 PINTS", "1L"), 0.80),
            Kind(("FILTERED SEMI-SKIMMED MILK", "ORGANIC SEMI-SKIMMED MILK"), ("1L", "1.136L/2 PINTS"), 1.00),
        ),
        other=(
            Kind(("SEMI-SKIMMED MILK", "FRESH SEMI-SKIMMED MILK"), ("568ML/1 PINT", "3.408L/6 PINTS"), 0.50),
            Kind(("SKIMMED MILK", "FRESH SKIMMED MILK"), ("1.136L/2 PINTS",), 0.80),
            Kind(("GOATS SEMI-SKIMMED MILK", "BANANA FLAVOURED MILK"), ("1L",), 1.50),
        ),
    ),
    SimulatedItem(
        211807,
        "Yoghurt or fromage frais",
        "Yoghurt Multipacks",
        target=(
            Kind(("STRAWBERRY YOGURT", "PEACH YOGURT", "BLACK CHERRY YOGURT"), ("4X125G", "4X100G"), 1.80),
            Kind(("RASPBERRY FROMAGE FRAIS", "STRAWBERRY FROMAGE FRAIS"), ("6X50G", "6X85G"), 1.60),
        ),
        other=(
            Kind(("NATURAL YOGURT", "GREEK STYLE YOGURT"), ("500G", "1KG"), 1.30),
            Kind(("STRAWBERRY YOGURT DRINK", "CHOCOLATE MOUSSE"), ("8X100G", "8X60G"), 2.20),
            Kind(("RICE PUDDING DESSERT", "CUSTARD DESSERT"), ("500G",), 1.50),
        ),
        guests_from=211814,
    ),
    SimulatedItem(
        211814,
        "Small individual yoghurt",
        "Single Yoghurts",
        target=(
            Kind(("STRAWBERRY YOGURT", "PEACH YOGURT", "LEMON YOGURT"), ("150G", "125G", "175G"), 0.65),
            Kind(("RHUBARB LAYERED YOGURT", "HONEY GREEK STYLE YOGURT"), ("150G", "165G"), 0.75),
        ),
        other=(
            Kind(("STRAWBERRY YOGURT", "PEACH YOGURT"), ("4X125G", "6X125G"), 1.90),
            Kind(("NATURAL YOGURT", "VANILLA YOGURT"), ("500G", "450G"), 1.40),
            Kind(("COCONUT DAIRY FREE DESSERT", "CHOCOLATE MOUSSE"), ("125G", "100G"), 0.90),
        ),
    ),
    SimulatedItem(
        212319,
        "New potatoes",
        "New Potatoes",
        target=(
            Kind(("NEW POTATOES", "BABY NEW POTATOES", "MINI NEW POTATOES"), ("1KG", "750G", "500G"), 1.25),
            Kind(("CHARLOTTE NEW POTATOES", "JERSEY ROYAL NEW POTATOES"), ("750G", "1KG"), 1.60),
        ),
        other=(
            Kind(("MARIS PIPER POTATOES", "WHITE POTATOES"), ("2.5KG",), 1.80),
            Kind(("SWEET POTATOES", "PARSNIPS"), ("1KG", "500G"), 1.30),
            Kind(("POTATO SALAD", "PREPARED POTATOES WITH BUTTER"), ("300G", "385G"), 1.50),
        ),
    ),
    SimulatedItem(
        212360,
        "Old white potatoes",
        "White Potatoes",
        target=(
            Kind(("MARIS PIPER POTATOES", "KING EDWARD POTATOES"), ("2.5KG", "2KG", "1.5KG"), 1.90),
            Kind(("WHITE POTATOES", "ESTIMA WHITE POTATOES"), ("2.5KG", "2KG"), 1.60),
        ),
        other=(
            Kind(("NEW POTATOES", "BABY POTATOES"), ("1KG", "750G"), 1.20),
            Kind(("SWEET POTATOES", "RED SWEET POTATOES"), ("1KG",), 1.30),
            Kind(("MASHED POTATO", "ROAST POTATOES READY TO COOK"), ("400G", "700G"), 1.60),
        ),
    ),
    SimulatedItem(
        212361,
        "Baking potatoes",
        "Baking Potatoes",
        target=(
            Kind(("BAKING POTATOES", "LARGE BAKING POTATOES"), ("4 PACK", "2 PACK", "LOOSE"), 1.20),
            Kind(("JACKET POTATOES", "LARGE JACKET POTATOES"), ("4 PACK", "LOOSE"), 1.30),
        ),
        other=(
            Kind(("SWEET POTATOES FOR BAKING", "PARSNIPS"), ("2 PACK", "4 PACK"), 1.10),
            Kind(("JACKET POTATOES FILLED WITH CHEESE", "POTATO WEDGES"), ("2X200G", "700G"), 2.20),
            Kind(("BABY POTATOES", "NEW POTATOES"), ("1KG",), 1.20),
        ),
        guests_from=212360,
    ),
    SimulatedItem(
        212515,
        "Tomatoes",
        "Tomatoes and Salad",
        target=(
            Kind(("TOMATOES", "SALAD TOMATOES", "ROUND TOMATOES"), ("6 PACK", "400G", "LOOSE"), 0.95),
            Kind(("VINE TOMATOES", "BEEF TOMATOES"), ("500G", "400G", "LOOSE"), 1.70),
        ),
        other=(
            Kind(("CHERRY TOMATOES", "CHERRY VINE TOMATOES"), ("330G", "250G"), 1.40),
            Kind(("SUN DRIED TOMATOES", "TINNED CHOPPED TOMATOES"), ("200G", "400G"), 1.60),
            Kind(("CUCUMBER", "ICEBERG LETTUCE", "SPRING ONIONS"), ("EACH",), 0.60),
        ),
    ),
    SimulatedItem(
        212519,
        "Onions",
        "Onions and Garlic",
        target=(
            Kind(("ONIONS", "BROWN ONIONS", "COOKING ONIONS"), ("1KG", "750G", "LOOSE"), 0.85),
            Kind(("SPANISH ONIONS", "LARGE ONIONS"), ("3 PACK", "1KG", "LOOSE"), 0.95),
        ),
        other=(
            Kind(("RED ONIONS", "WHITE ONIONS"), ("1KG", "3 PACK"), 1.00),
            Kind(("SPRING ONIONS", "SHALLOTS", "LEEKS"), ("100G", "400G", "500G"), 0.70),
            Kind(("DICED ONIONS", "PICKLED ONIONS"), ("400G",), 1.10),
            Kind(("GARLIC BULBS",), ("4 PACK",), 0.90),
        ),
    ),
    SimulatedItem(
        212717,
        "Apples",
        "Apples and Pears",
        target=(
            Kind(("GALA APPLES", "BRAEBURN APPLES", "COX APPLES"), ("6 PACK", "5 PACK", "LOOSE"), 1.70),
            Kind(("GRANNY SMITH APPLES", "GOLDEN DELICIOUS APPLES"), ("6 PACK", "LOOSE"), 1.60),
        ),
        other=(
            Kind(("CRIPPS PINK APPLES", "PINK BLUSH APPLES"), ("4 PACK", "6 PACK"), 2.10),
            Kind(("ORGANIC GALA APPLES", "ORGANIC BRAEBURN APPLES"), ("6 PACK",), 2.40),
            Kind(("CONFERENCE PEARS", "BRAMLEY COOKING APPLES"), ("4 PACK", "LOOSE"), 1.50),
        ),
    ),
    SimulatedItem(
        212719,
        "Bananas",
        "Bananas",
        target=(
            Kind(("BANANAS", "RIPE BANANAS", "LARGE BANANAS"), ("5 PACK", "6 PACK", "LOOSE"), 0.95),
            Kind(("FAIRTRADE BANANAS", "ORGANIC FAIRTRADE BANANAS"), ("5 PACK", "6 PACK"), 1.30),
        ),
        other=(
            Kind(("MINI BANANAS", "SMALL SNACK BANANAS"), ("8 PACK", "7 PACK"), 1.20),
            Kind(("RED BANANAS", "PLANTAIN"), ("4 PACK", "LOOSE"), 1.40),
            Kind(("DRIED BANANA CHIPS",), ("150G",), 1.10),
            Kind(("CLEMENTINES",), ("600G",), 1.50),
        ),
    ),
    SimulatedItem(
        212720,
        "Strawberries",
        "Berries",
        target=(
            Kind(("STRAWBERRIES", "SWEET STRAWBERRIES"), ("400G", "227G", "600G"), 2.30),
            Kind(("BRITISH STRAWBERRIES", "SCOTTISH STRAWBERRIES"), ("400G", "300G"), 2.50),
        ),
        other=(
            Kind(("RASPBERRIES", "BLUEBERRIES", "BLACKBERRIES"), ("150G", "250G"), 2.10),
            Kind(("FROZEN STRAWBERRIES", "FROZEN MIXED BERRIES"), ("500G",), 2.40),
            Kind(("CHERRIES", "STRAWBERRY AND CREAM DESSERT"), ("200G", "150G"), 2.00),
        ),
        season=Season(peak_day_of_year=180, products=0.25, price=0.25),
    ),
    SimulatedItem(
        212722,
        "Grapes",
        "Grapes",
        target=(
            Kind(("RED SEEDLESS GRAPES", "GREEN SEEDLESS GRAPES"), ("500G", "400G", "1KG"), 2.20),
            Kind(("BLACK SEEDLESS GRAPES", "RED GLOBE SEEDED GRAPES"), ("500G", "400G"), 2.30),
        ),
        other=(
            Kind(("GRAPE AND APPLE SNACK BAG", "RAISINS"), ("80G", "500G"), 1.20),
            Kind(("PLUMS", "NECTARINES"), ("400G",), 1.50),
            Kind(("KIWI FRUIT", "LIMES"), ("6 PACK", "4 PACK"), 1.30),
        ),
        season=Season(peak_day_of_year=270, products=0.12, price=0.15),
    ),
)
