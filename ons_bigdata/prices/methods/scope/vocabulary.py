"""Words for a product's kind, treatment and container.

General knowledge of the trade, one regular expression per term on the plain name (lower case, no accents, no
apostrophes). The rules (dbt) and the model decide what a term means for an item.
"""

from __future__ import annotations

TRAITS: dict[str, str] = {
    # treatment and quality
    "organic": r"organic|duchy",
    "free_from": r"free ?from|gluten free|wheat free|dairy free|lactose? ?free|lactofree|bfree|genius|go free",
    "reduced_fat": r"lighter|reduced fat|low(er)? fat|fat free|0 fat|30 less|half fat",
    "light": r"light|lite|weight ?watchers|skinny",
    "diet": r"diet|zero|max|light|no added sugar|sugar ?free|no sugar|low calorie|low sugar",
    "flavoured": (
        r"vanilla|cherry|lemon|lime|mango|raspberr\w+|strawberr\w+|peach|pineapple|coconut|honey|caramel|karamel|"
        r"toffee|chill?i|pepper|garlic|ginger|cinnamon|passion ?fruit|pomegranate|apricot|elderflower|mint|coffee|"
        r"rhubarb|black ?currants?|blueberr\w+|berr(y|ies)|melon|citron|grapefruit|orange|spiced|infusions?|"
        r"fruits?"
    ),
    "spiced": r"spiced|mulled|gluhwein|spice",
    "smoked": r"smoked|smokey|applewood",
    "grated_sliced": r"grated|slices|sliced cheddar|sliced cheese|spread(able)? cheese|cheese spread|strings?",
    "decaf": r"decaff?(einated)?|caffeine free",
    "fortified": r"vitamins?|omega|calcium|big milk|protein",
    "long_life": r"uht|long ?life|sterili[sz]ed|12 month|evaporated|condensed|powder(ed)?|dried",
    "fruit_infusion": (
        r"green tea|herbal|camomile|chamomile|peppermint|infusions?|redbush|rooibos|fruit tea|nettle|fennel|"
        r"lemon (and|&)? ?ginger|pukka|white tea|jasmine|lapsang|matcha|oolong|detox|hibiscus"
    ),
    "loose_tea": r"loose( leaf)?|leaf tea|instant tea|iced tea|ice tea|tea drink",
    "speciality_tea": (
        r"assam|earl grey|lady grey|darjeeling|ceylon|breakfast|kenyan?|everyday|strong|gold|tea ?bags?"
    ),
    "sparkling": r"sparkling|bubbly|prosecco|cava|champagne|brut|spumante|frizzante|spritz|lambrusco|fizz",
    "alcohol_free": (
        r"alcohol ?free|non alcoholic|low alcohol|de ?alcoholised|alkoholfrei|blue|nanny state|free 330|0 0"
    ),
    "fortified_wine": r"sherry|port|madeira|marsala|vermouth|fino|manzanilla|mavrodaphne|kiddush|palwin|solear|tonic",
    "rose": r"rose|blush|rosado|rosato|zinfandel rose",
    "red_wine": r"red|rosso|rouge|tinto|noir|merlot|shiraz|syrah|cabernet|malbec|rioja|chianti|tempranillo|pinotage",
    "white_wine": r"white|bianco|blanc|blanco|chardonnay|sauvignon blanc|pinot grigio|riesling|chenin|soave|chablis",
    "mixed": r"mixed|mix|selection|trio|medley|assort(ed|ment)|variety pack|variety|collection|duo|combo|twin",
    "gift": r"gift|collection|tasting|miniatures?|set|hamper|discovery|glass",
    "prepared": (
        r"mash(ed)?|roasties|chips|wedges|parmentiers?|gratin|dauphinoise|roasting pack|stuffed|croquettes?|"
        r"fingers pack|chunks|peeled|diced|chopped|sliced onions?|crispy|waffles?|rosti|hash browns?|salad|"
        r"stir ?fry"
    ),
    "chocolate": r"choc\w*|coco\w*|cocoa|nutella|oreo|reeses?|nesquik|milkybar",
    "sugared": (
        r"frost\w+|sugar|honey|crunchy nut|golden (nuggets|grahams|syrup)|hoops?|marshmallow|caramel|cookie crisp|"
        r"cinnamon|curiously|krave|frosties|ricicles|lucky charms|froot loops|cheerios|alphabites|sweetened|syrup|"
        r"maple"
    ),
    "filled": r"creams?|jam\w*|sandwich|custard|bourbons?|whirls?|filled|oreo|dodgers|rings|fig rolls?|double stuff",
    "plain_biscuit": (
        r"digestives?|rich tea|marie?|arrowroot|malted milk|nice|shortcake|shortbread|ginger (nuts?|snaps?)|"
        r"petit beurre"
    ),
    "hot_cereal": r"porridge|oats?|oatmeal|ready brek|oatbran|oat bran|scottish oats|so simple",
    "granola": r"granola|muesli|clusters|crunch(y)? oat|toasted",
    "cereal_bar": (
        r"bars?|biscuits? breakfast|breakfast biscuits?|soft bakes|flapjacks?|on the go|breakfast drink|drink"
    ),
    "unsugared_cereal": (
        r"weetabix|oatibix|shredd\w+|corn ?flakes|bran( flakes)?|rice (krispies|pops|snaps)|special k|"
        r"special flakes|fruit (and|n|&)? ?fibre|wheats?|puffed|multi ?grain|malted|wholewheat biscuits|"
        r"just right|balance|all bran"
    ),
    # bread, pasta
    "wholemeal": r"wholemeal|whole ?meal|wholewheat|whole wheat|stoneground",
    "brown_seeded": (
        r"brown|granary|malted|multi ?seed\w*|seed\w*|grains?|rye|spelt|oat\w*|wheatgerm|50 50|best of both|"
        r"linseed"
    ),
    "white_bread": r"white|farmhouse|toastie|danish|crusty|soft|tiger|milk roll",
    "instore_bakery": (
        r"bloomer|cob|split tin|loaf|batch loaf|baguette|stick|tiger|ciabatta|focaccia|sourdough|boule|pain|bakery"
    ),
    "rolls_flatbread": (
        r"wraps?|tortillas?|pittas?|naans?|rolls?|baps?|bagels?|muffins?|crumpets?|brioche|croissants?|thins?|"
        r"buns?|teacakes?|chapatt?is?|pancakes?"
    ),
    "sliced_loaf": r"slice[ds]?|thick|medium|thin|toastie|thickest|sandwich",
    "little_loaf": r"little|small|half|no crusts|danish|weight ?watchers|nimble|crustless",
    "pasta": (
        r"spaghetti|pasta|penne\w*|fusilli|linguine|rigatoni|macaroni|tagliatelle|farfalle|conchiglie|vermicelli|"
        r"capellini|tortiglioni|orzo|spirali|casarecce|fettuc\w+|pappardelle|trottole|stelline|bucatini|lumaconi|"
        r"girandole|cavatappi|orecchiette|ditali|papardelle|bavette|bows|twists|shells|quills|anellini|trofie|"
        r"pennette"
    ),
    "lasagne": r"lasagne|cannelloni|sheets|nests|tubes",
    "other_flour_pasta": r"rice|lentil|bean|corn|courgetti|edamame|quinoa|noodles?|chickpea|buckwheat|konjac|pea",
    "egg_fresh_pasta": r"egg|fresh|filled|ravioli|tortelli\w*|tortellini|gnocchi",
    # dairy
    "whole_milk": r"whole( milk)?|full cream|full fat|gold top|jersey|blue top",
    "semi_skimmed": r"semi ?skimmed|semi",
    "skimmed": r"skimmed|1 fat|the one",
    "milk": r"milk|cravendale|purefilter",
    "other_milk": (
        r"soya?|almond|coconut|rice drink|oat drink|oat milk|goats?|hazelnut|lactofree|hemp|cashew|a2|kefir|"
        r"buttermilk"
    ),
    "milk_drink": r"milk ?shake|flavoured milk|smoothie|frijj|yop|mars|yazoo|drink",
    "spreadable": r"spreadable|butter ?soft|softer butter|spreadables?",
    "spread": (
        r"spread|margarine|flora|bertolli|clover|stork|benecol|utterly|vitalite|pure|buttery|olivio|golden|"
        r"sunflower|i cant believe|butter me up|gold|baking|lard|ghee|dripping|solid|vegetable"
    ),
    "block_butter": r"unsalted butter|salted butter|block|butter|french butter|cornish butter|packet",
    "cheddar": r"cheddar|cathedral city|pilgrims choice|seriously strong|davidstow|wyke|collier'?s|tickler",
    "other_cheese": (
        r"leicester|stilton|brie|camembert|mozz?arella|feta|halloumi|edam|gouda|wensleydale|lancashire|cheshire|"
        r"caerphilly|gloucester|parmesan|parmigiano|emmental|gruyere|goats|cottage|soft cheese|cream cheese|"
        r"philadelphia|cheestrings?|babybel|dairylea|mascarpone|ricotta|roquefort|manchego|jarlsberg|processed|"
        r"blue"
    ),
    "imported_cheese": r"canadian|irish|new zealand|australian|kerrygold|dubliner",
    "yoghurt": (
        r"yogh?urts?|yoghourt|activia|muller|onken|yeo valley|petits? filous|fromage frais|rachels|oykos|skyr|"
        r"danone|munch bunch|shape|corner"
    ),
    "fromage_frais": r"fromage frais|petits? filous|munch bunch|wildlife|frubes?|tubes|choobs|pouch(es)?",
    "yoghurt_drink": r"drinks?|actimel|yakult|drinking|lassi|benecol|shots?|cholesterol|smoothie|kefir|yop",
    "dessert": (
        r"mousse|dessert|pudding|trifle|jelly|custard|rice|cheesecake|tiramisu|panna cotta|cream|brulee|sundae|"
        r"buttons|pots of joy|souffle|fool"
    ),
    "plain_yoghurt": r"natural|greek|plain|set",
    # drinks
    "cola": r"cola|coke|pepsi",
    "other_fizzy": (
        r"fanta|sprite|lemonade|tango|7 ?up|irn bru|barr|dr pepper|orangina|ginger beer|appletiser|lilt|vimto|"
        r"rubicon|j2o|shloer|san pellegrino|tizer|mountain dew|ting|lucozade|red bull|cream soda|cherryade|"
        r"limeade|root beer|dandelion|fentimans|bottlegreen|belvoir|schweppes|tonic|soda|fruit crush|r whites|"
        r"purdeys|sparkling"
    ),
    "energy_drink": r"lucozade|red bull|monster|relentless|rockstar|powerade|energy|sport|emerge|boost",
    "mixer_water": r"tonic|soda water|mineral water|spring water|water|mixers?|squash|cordial|dilut\w+",
    "orange_juice": r"orange juice|oranges?|valencia|jaffa",
    "other_juice": (
        r"apple|pineapple|grape ?fruit|cranberry|tomato juice|mango|tropical|pear|cherry|pomegranate|carrot|grape|"
        r"lychee|guava|beetroot|kale|clementine|multivitamin|prune|vegetable|lemons?|limes?|berry|peach|kiwi|"
        r"banana|coconut"
    ),
    "juice": r"juices?",
    "pure_juice": (
        r"pure|100|not from concentrate|squeezed|pressed|tropicana|copella|innocent|coldpress|with bits|smooth|"
        r"juicy bits"
    ),
    "juice_drink": (
        r"juice drink|drink|smoothie|squash|cordial|j2o|water|lemonade|nectar|shot|sunny d|capri|fruit shoot|"
        r"five alive|ribena|oasis|nfc drink"
    ),
    "coffee": r"coffee|nescafe|espresso|kenco|latte|cappuccino",
    # fruit and vegetables
    "cherry_tomato": (
        r"cherry|baby plum|plum|mini|piccolo|capri|santini|pomodorino|small|sugardrop|jewel|pome|cocktail|sweet|"
        r"snack|grape|marzano|midi|angelle|sunstream|piccobella|perlita|rosa"
    ),
    "tomato": r"tomato\w*",
    "tinned": r"tin|canned|soup|ketchup|sauce|puree|passata|beans|baked|pickled?|paste",
    "onion": r"onions?",
    "red_onion": r"red|rosanna|pink|tropea|roscoff",
    "white_onion": r"white",
    "other_onion": (
        r"spring|shallots?|salad|leeks?|echalion|eschalion|banana shallots?|garlic|pearl|silverskin|pickling"
    ),
    "sweet_potato": r"sweet potato\w*|yams?|cassava",
    "new_potato": (
        r"new|baby|salad|charlotte|jersey|miniature|mini|anya|nadine|pearl|gems?|fingerling|ratte|exquisa|"
        r"vivaldi baby|small|marabel"
    ),
    "red_potato": r"red|rooster|desiree|purple|rudolph|mozart|highland burgundy",
    "potato": r"potato\w*|maris piper|king edward|jackets?|bakers|bakings?|roasting",
    "apple": (
        r"apples?|braeburn|gala|granny smith|golden delicious|jazz|cox\w*|pink lady|bramley|russet|empire|kanzi|"
        r"fuji|discovery|spartan|jonagold|envy|rubens|cameo|evelina|red delicious|royal gala|junami"
    ),
    "pink_apple": r"pink lady|pink|cripps",
    "cooking_apple": r"bramley|cooking",
    "pear": r"pears?|conference|rocha|comice|williams|forelle|perry",
    "banana": r"bananas?",
    "small_banana": r"small|mini|baby|red|snack|fun ?size|kids|plantains?|apple bananas?|lady ?fingers?|dried|chips",
    "strawberry": r"strawberr\w+",
    "other_fruit": (
        r"raspberr\w+|blueberr\w+|blackberr\w+|cherr\w+|gooseberr\w+|currants?|redcurrants?|blackcurrants?|"
        r"lemons?|limes?|oranges?|satsumas?|clementines?|easy peelers?|tangerines?|peach\w*|nectarines?|plums?|"
        r"apricots?|mango\w*|pineapples?|melons?|kiwi\w*|avocados?|coconut\w*|figs?|pomegranates?|papaya|"
        r"grapefruit|rhubarb|cranberr\w+|watermelons?|passion fruit|dates|lychees?|sharon"
    ),
    "grape": r"grapes?",
    "other_vegetable": (
        r"celery|cucumbers?|lettuce|avocados?|peppers?|mushrooms?|carrots?|broccoli|spinach|cabbage|leeks?|"
        r"courgettes?|radish\w*|beetroot|kale|cauliflower|parsnips?|beans|peas|swede|sprouts|chill?i\w*|rocket|"
        r"salad|watercress|sweetcorn|asparagus|aubergines?|herbs?|ginger|butternut|squash|coriander|basil"
    ),
    "berries_mixed": (
        r"berry trio|mixed berries|berries|fruit salad|fruit selection|medley|fruit pot|smoothie|summer fruits"
    ),
    "snack_pack": r"snack ?pack|snack|bag|kids|funsize|fun size|lunch ?box|80g",
    # beer, cider, spirits
    "lager": (
        r"lager|pils\w*|budweiser|becks|peroni|stella artois|carling|carlsberg|fosters|heineken|kronenbourg|"
        r"corona|san miguel|amstel|cobra|coors|grolsch|tiger|holsten|budvar|estrella|asahi|kingfisher|tyskie|"
        r"moretti|staropramen|sol|singha|red stripe|brahma|tsingtao|hells|helles|bitburger|warsteiner|skol|"
        r"bavaria|sapporo|kingfisher|zywiec|lech|urquell|vier|nastro"
    ),
    "ale": (
        r"ales?|bitter|ipa|smooth|stout|porter|hen|pedigree|bombardier|directors|spitfire|pride|hobgoblin|adnams|"
        r"fullers|badger|boddingtons|tetleys?|john smiths?|greene king|abbot|marstons|wychwood|brewdog|"
        r"newcastle brown|shepherd neame|theakstons?|old speckled|hook norton|ruddles|thwaites|wainwright|brains|"
        r"caffreys|worthingtons?|deuchars|guinness|bishops finger|sheep|tanglefoot|ferret|st peters|mcewans?|"
        r"courage|timothy taylors?|st austell|oakham|doom bar"
    ),
    "stout_mild": r"stout|porter|guinness|mild|mackeson|sweetheart|brown ale|murphys|beamish",
    "wheat_beer": (
        r"wheat|weiss\w*|hefe\w*|blanche|wit|hoegaarden|erdinger|franziskaner|white beer|leffe|trappist|tripel|"
        r"duvel|fruitesse|kriek|belgian|saison|desperados|karmeliet|westmalle|blonde|abbey"
    ),
    "ginger_beer": r"ginger|crabbies?|radler|shandy|citrus|zest",
    "cider": (
        r"ciders?|cyder|cidre|scrumpy|strongbow|magners|bulmers|thatchers|westons?|aspall|addlestones|merrydown|"
        r"katy|woodpecker|gaymers|savanna|stowford"
    ),
    "fruit_cider": (
        r"kopparberg|rekorderlig|old mout|strawberry|fruits?|berr\w+|mango|raspberry|dark fruit|blackcurrant|"
        r"passion\w*|elderflower|plum|toffee|blueberry|cherry|rhubarb|spiced|summer|coconut|peach|pimms"
    ),
    "perry": r"pear|perry",
    "can": r"cans?|tins?|tinned|fridge ?pack|widget|draught|draughtflow|smoothflow",
    "bottle": r"bottles?|btl",
    "whisky": (
        r"whisk(e)?y|malt|scotch|bells|grouse|teachers|glen\w+|laphroaig|talisker|jura|bowmore|macallan|balvenie|"
        r"johnnie walker|aberlour|ardbeg|lagavulin|dalmore|bunnahabhain|cardhu|dalwhinnie|oban|highland park|"
        r"whyte|grants|islay|speyside"
    ),
    "bourbon": (
        r"bourbon|jack daniels?|jim beam|tennessee|makers mark|wild turkey|woodford|four roses|southern comfort|"
        r"buffalo trace|canadian|rye whisk\w+|american|japanese|nikka|yamazaki|bulleit"
    ),
    "irish_whiskey": r"irish|jamesons?|tullamore|paddy|powers|bushmills?|redbreast",
    "liqueur": (
        r"liqueur|cream|honey|fireball|drambuie|amaretto|baileys|schnapps|sambuca|advocaat|limoncello|malibu|"
        r"archers|kahlua|tia maria|pimms|cointreau|jagermeister|cocktail|punch|coppa|mojito"
    ),
    "vodka": (
        r"vodkas?|smirnoff|absolut|stoli\w*|russian standard|grey goose|ciroc|belvedere|finlandia|zubrowka|"
        r"eristoff|chase|glens|vladivar|reyka|skyy|imperial"
    ),
    "flavoured_vodka": (
        r"mango|vanilla|raspberri|citron|kurant|bison|cherry|caramel|karamel|lime|berry|green apple|toffee|"
        r"marshmallow|pear|peach|honey|salted|mandrin|chocolate|amber|cucumber|watermelon"
    ),
    "brandy": (
        r"brandy|cognac|armagnac|courvoisier|martell?|hennessy|remy|three barrels|vsop|v s o p|xo|hine|jerez|"
        r"napoleon|janneau"
    ),
    "other_brandy": (
        r"calvados|grappa|kirsch|slivovitz|pisco|apple brandy|cherry brandy|peach brandy|apricot brandy|"
        r"eau de vie|marc|pere magloire"
    ),
    "rum": (
        r"rum|bacardi|captain morgan|havana club|lambs|malibu|morgans?|sailor jerry|kraken|appleton|mount gay|"
        r"wray|woods|cockspur|diplomatico|zacapa|el dorado|oakheart"
    ),
    "white_rum": r"white|carta blanca|superior|silver|blanco|light|3 (year|anos)|overproof",
    "dark_rum": (
        r"dark|spiced|gold(en)?|navy|black|special|anejo|aged|reserva?|7 (year|anos)|12 (year|anos)|oakheart|100|"
        r"old|private stock|eclipse"
    ),
    "other_spirit": r"gin|tequila|sake|absinthe|ouzo|aperol|campari|cachaca",
    "other_grocery": (
        r"soup|beans|coffee|sauce|ketchup|vinegar|gravy|tuna|custard|stock|oil|curry|salsa|paste|rice|lentils?|"
        r"olives?|sugar|flour|crisps|chocolate|sweets|jam|marmalade|pickle|noodles?|crackers?|popcorn|nuts|salt|"
        r"herbs?|seasoning|gum|sardines|salmon|mackerel|mayonnaise|dressing|chutney|syrup|honey|peanut|snacks?|"
        r"toilet|wash|cat|dog|food|water|squash|juice|tea"
    ),
}
"""Term → words. A product has the term where one of the words occurs in its name as a whole word."""
