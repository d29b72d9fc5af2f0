"""Simulated shelves of drinks: for each item the kinds of products in scope and out of scope.

Written after the titles of the CPI items; brands are made up.
"""

from __future__ import annotations

from ons_bigdata.simulation.shop_shelves import Kind, SimulatedItem

_EUROPEAN_WHITE = (
    *("FRENCH CHABLIS WHITE WINE", "ITALIAN PINOT GRIGIO WHITE WINE", "SPANISH ALBARINO WHITE WINE"),
    *("GERMAN RIESLING WHITE WINE", "FRENCH SAUVIGNON BLANC WHITE WINE", "ITALIAN SOAVE WHITE WINE"),
)
_OTHER_WHITE = (
    *("CHILEAN SAUVIGNON BLANC WHITE WINE", "NEW ZEALAND SAUVIGNON BLANC WHITE WINE"),
    *("AUSTRALIAN CHARDONNAY WHITE WINE", "SOUTH AFRICAN CHENIN BLANC WHITE WINE"),
)
_EUROPEAN_RED = (
    *("FRENCH BORDEAUX RED WINE", "SPANISH RIOJA RED WINE", "ITALIAN CHIANTI RED WINE"),
    *("FRENCH MERLOT RED WINE", "PORTUGUESE DOURO RED WINE", "ITALIAN MONTEPULCIANO RED WINE"),
)
_OTHER_RED = (
    *("CHILEAN MERLOT RED WINE", "AUSTRALIAN SHIRAZ RED WINE", "ARGENTINIAN MALBEC RED WINE"),
    *("SOUTH AFRICAN PINOTAGE RED WINE", "CALIFORNIAN CABERNET SAUVIGNON RED WINE"),
)
_STRONG_ENOUGH_LAGER = (4.6, 4.8, 5.0, 5.2)

DRINK_ITEMS = (
    SimulatedItem(
        211901,
        "Tea bags",
        "Everyday Tea",
        target=(
            Kind(("TEA", "STRONG TEA", "EVERYDAY BLEND TEA"), ("80 BAGS 250G", "80 BAGS 232G"), 2.60),
            Kind(("ENGLISH BREAKFAST TEA", "GOLDEN LEAF TEA"), ("80 BAGS 250G",), 2.90),
        ),
        other=(
            Kind(("GREEN TEA", "PEPPERMINT TEA", "LEMON AND GINGER FRUIT TEA"), ("20 BAGS 40G",), 1.50),
            Kind(("DECAFFEINATED TEA", "DECAF BREAKFAST TEA"), ("80 BAGS 250G",), 2.80),
            Kind(("TEA", "STRONG TEA"), ("240 BAGS 750G", "160 BAGS 500G"), 5.20),
        ),
    ),
    SimulatedItem(
        212006,
        "Fruit juice not orange",
        "Fruit Juice",
        target=(
            Kind(("PURE APPLE JUICE", "PURE PINEAPPLE JUICE", "PURE GRAPEFRUIT JUICE"), ("1L",), 1.30),
            Kind(("PRESSED APPLE JUICE", "CLOUDY APPLE JUICE"), ("1L",), 1.90),
        ),
        other=(
            Kind(("CRANBERRY JUICE DRINK", "BLACKCURRANT SQUASH", "APPLE SQUASH"), ("1L",), 1.40),
            Kind(("PURE ORANGE JUICE", "ORANGE AND MANGO JUICE DRINK"), ("1L",), 1.40),
            Kind(("MANGO SMOOTHIE", "STRAWBERRY SMOOTHIE"), ("750ML", "250ML"), 2.40),
        ),
        guests_from=212016,
    ),
    SimulatedItem(
        212011,
        "Cola drink",
        "Cola",
        target=(
            Kind(("COLA", "ORIGINAL COLA"), ("2L BOTTLE",), 1.60),
            Kind(("DIET COLA", "COLA ZERO SUGAR"), ("2L BOTTLE",), 1.55),
        ),
        other=(
            Kind(("COLA", "DIET COLA"), ("8X330ML CANS", "500ML BOTTLE"), 3.20),
            Kind(("VANILLA COLA", "LEMON COLA", "CHERRY COLA"), ("2L BOTTLE",), 1.65),
            Kind(("ORANGE SQUASH", "STILL SPRING WATER"), ("1L BOTTLE",), 0.90),
        ),
    ),
    SimulatedItem(
        212016,
        "Chilled orange juice",
        "Chilled Juice",
        target=(
            Kind(("CHILLED SMOOTH ORANGE JUICE", "CHILLED ORANGE JUICE WITH BITS"), ("1L",), 2.00),
            Kind(("FRESHLY SQUEEZED ORANGE JUICE", "CHILLED PURE ORANGE JUICE"), ("1L",), 2.40),
        ),
        other=(
            Kind(("LONGLIFE ORANGE JUICE", "CHILLED ORANGE JUICE DRINK"), ("1L",), 1.10),
            Kind(("CHILLED APPLE AND MANGO JUICE", "CHILLED TROPICAL JUICE"), ("1L",), 2.00),
            Kind(("BERRY SMOOTHIE", "CHILLED LEMONADE"), ("750ML", "1L"), 2.30),
        ),
    ),
    SimulatedItem(
        212017,
        "Fizzy bottled drink",
        "Lemonade and Mixers",
        target=(
            Kind(("LEMONADE", "DIET LEMONADE", "CREAM SODA"), ("500ML BOTTLE",), 0.95),
            Kind(("SPARKLING ORANGE DRINK", "CHERRYADE", "LIMEADE"), ("500ML BOTTLE",), 1.05),
        ),
        other=(
            Kind(("LEMONADE", "SPARKLING ORANGE DRINK"), ("2L BOTTLE", "6X330ML CANS"), 1.50),
            Kind(("STILL SPRING WATER", "ORANGE SQUASH"), ("500ML BOTTLE", "1L BOTTLE"), 0.60),
            Kind(("TONIC WATER", "SODA WATER"), ("1L BOTTLE",), 1.00),
        ),
        guests_from=212011,
    ),
    SimulatedItem(
        310207,
        "Bitter",
        "Ale and Bitter",
        target=(
            Kind(("BEST BITTER", "BITTER"), ("4X440ML CANS", "4X500ML CANS"), 4.20, (3.6, 3.8, 4.1)),
            Kind(("PREMIUM BITTER ALE", "SMOOTH BITTER"), ("4X500ML CANS", "4X440ML CANS"), 4.90, (4.5, 5.0)),
        ),
        other=(
            Kind(("BEST BITTER", "PREMIUM BITTER ALE"), ("500ML BOTTLE", "18X440ML CANS"), 1.80, (4.1, 4.5)),
            Kind(("LOW ALCOHOL BITTER",), ("4X440ML CANS",), 2.90, (0.5, 1.0)),
            Kind(("STOUT", "EXPORT LAGER"), ("4X440ML CANS",), 4.60, (4.2, 5.0)),
        ),
    ),
    SimulatedItem(
        310215,
        "Lager",
        "Lager",
        target=(
            Kind(("LAGER", "PILSNER LAGER"), ("4X330ML BOTTLES", "4X275ML BOTTLES"), 4.60, _STRONG_ENOUGH_LAGER),
            Kind(("CZECH LAGER", "GERMAN LAGER"), ("4X330ML BOTTLES",), 5.20, _STRONG_ENOUGH_LAGER),
        ),
        other=(
            Kind(("LAGER", "PILSNER LAGER"), ("12X330ML BOTTLES", "10X440ML CANS"), 10.50, _STRONG_ENOUGH_LAGER),
            Kind(("ALCOHOL FREE LAGER",), ("4X330ML BOTTLES",), 3.20, (0.0, 0.5)),
            Kind(("LIGHT LAGER", "SHANDY"), ("4X330ML BOTTLES",), 3.60, (2.0, 3.5)),
        ),
    ),
    SimulatedItem(
        310218,
        "Apple cider",
        "Cider",
        target=(
            Kind(("APPLE CIDER", "DRY APPLE CIDER"), ("500ML BOTTLE", "568ML BOTTLE"), 1.90, (4.5, 4.8, 5.0)),
            Kind(("MEDIUM APPLE CIDER", "CLOUDY APPLE CIDER"), ("500ML BOTTLE", "750ML BOTTLE"), 2.10, (4.5, 5.2)),
        ),
        other=(
            Kind(("PEAR CIDER", "STRAWBERRY AND LIME CIDER"), ("500ML BOTTLE",), 2.10, (4.0, 5.0)),
            Kind(("APPLE CIDER", "DRY APPLE CIDER"), ("10X440ML CANS", "2L BOTTLE"), 6.50, (4.5, 5.0)),
            Kind(("STRONG SCRUMPY CIDER", "ALCOHOL FREE CIDER"), ("500ML BOTTLE",), 2.20, (0.0, 7.5)),
        ),
    ),
    SimulatedItem(
        310401,
        "Whisky",
        "Whisky",
        target=(
            Kind(("BLENDED SCOTCH WHISKY", "SCOTCH WHISKY"), ("70CL",), 15.50, (40.0,)),
            Kind(("SINGLE MALT SCOTCH WHISKY", "HIGHLAND MALT WHISKY"), ("70CL",), 29.00, (40.0, 43.0)),
        ),
        other=(
            Kind(("BLENDED SCOTCH WHISKY", "SINGLE MALT SCOTCH WHISKY"), ("35CL", "5CL"), 9.50, (40.0,)),
            Kind(("KENTUCKY BOURBON WHISKEY", "IRISH WHISKEY", "CANADIAN WHISKY"), ("70CL",), 21.00, (40.0,)),
            Kind(("WHISKY LIQUEUR",), ("50CL",), 14.00, (17.0, 20.0)),
        ),
    ),
    SimulatedItem(
        310403,
        "Vodka",
        "Vodka",
        target=(
            Kind(("VODKA", "TRIPLE DISTILLED VODKA"), ("70CL",), 13.50, (37.5,)),
            Kind(("WHEAT VODKA", "POLISH VODKA"), ("70CL",), 18.00, (40.0,)),
        ),
        other=(
            Kind(("VODKA", "TRIPLE DISTILLED VODKA"), ("35CL", "5CL"), 8.00, (37.5,)),
            Kind(("VANILLA FLAVOURED VODKA", "RASPBERRY FLAVOURED VODKA"), ("70CL",), 16.00, (37.5,)),
            Kind(("LONDON DRY GIN",), ("70CL",), 14.50),
            Kind(("VODKA AND COLA MIXED DRINK",), ("25CL CAN",), 1.80),
        ),
    ),
    SimulatedItem(
        310405,
        "Brandy",
        "Brandy",
        target=(
            Kind(("FRENCH BRANDY", "NAPOLEON BRANDY", "SPANISH BRANDY"), ("70CL", "68CL"), 14.50, (36.0, 40.0)),
            Kind(("VS COGNAC", "VSOP COGNAC"), ("70CL",), 27.00, (40.0,)),
        ),
        other=(
            Kind(("FRENCH BRANDY", "VS COGNAC"), ("35CL", "5CL"), 9.00, (40.0,)),
            Kind(("CHERRY BRANDY LIQUEUR", "APRICOT LIQUEUR"), ("50CL",), 9.00, (24.0,)),
            Kind(("TAWNY PORT", "CREAM SHERRY"), ("75CL",), 9.50, (17.5, 20.0)),
        ),
    ),
    SimulatedItem(
        310419,
        "White wine European",
        "White Wine",
        target=(Kind(_EUROPEAN_WHITE, ("75CL",), 6.80, (11.5, 12.0, 12.5)),),
        other=(
            Kind(_OTHER_WHITE, ("75CL",), 7.10, (12.5, 13.0)),
            Kind(("ITALIAN PINOT GRIGIO WHITE WINE",), ("187ML",), 1.90, (12.0,)),
            Kind(("FRENCH ROSE WINE", "SPARKLING PROSECCO"), ("75CL",), 7.60, (11.5, 12.0)),
        ),
    ),
    SimulatedItem(
        310421,
        "Red wine European",
        "Red Wine",
        target=(Kind(_EUROPEAN_RED, ("75CL",), 7.10, (12.5, 13.0, 13.5)),),
        other=(
            Kind(_OTHER_RED, ("75CL",), 7.30, (13.0, 14.0)),
            Kind(("FRENCH MERLOT RED WINE",), ("187ML",), 2.00, (13.0,)),
            Kind(("SPANISH ROSE WINE", "FRUIT MULLED WINE"), ("75CL",), 5.60, (11.5, 12.0)),
        ),
        guests_from=310419,
    ),
    SimulatedItem(
        310427,
        "White rum",
        "Rum",
        target=(
            Kind(("WHITE RUM", "SUPERIOR WHITE RUM"), ("70CL",), 15.00, (37.5,)),
            Kind(("CARIBBEAN WHITE RUM", "JAMAICAN WHITE RUM"), ("70CL",), 17.00, (40.0,)),
        ),
        other=(
            Kind(("WHITE RUM", "SUPERIOR WHITE RUM"), ("35CL", "5CL"), 8.50, (37.5,)),
            Kind(("DARK RUM", "SPICED RUM", "GOLDEN RUM"), ("70CL",), 16.50, (35.0, 40.0)),
            Kind(("COCONUT RUM LIQUEUR",), ("70CL",), 13.00),
            Kind(("RUM AND COLA MIXED DRINK",), ("25CL CAN",), 1.80),
        ),
    ),
)
