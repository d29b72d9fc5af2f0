"""Words for a product's origin and strength: countries, wine regions, producers, brands.

General knowledge of the trade, regular expressions on the plain name (lower case, no accents).
"""

from __future__ import annotations

NATIONS: dict[str, str] = {
    "france": r"french|france",
    "italy": r"italian?|italy|italia|sicilian?|sicily",
    "spain": r"spanish|spain",
    "portugal": r"portuguese|portugal",
    "germany": r"german|germany",
    "austria": r"austrian?",
    "united_kingdom": r"english|england|british|britain|welsh|wales|scottish|scotland|scotch|ulster",
    "other_europe": (
        r"romanian?|bulgarian?|hungarian?|hungary|greek|greece|moldov\w+|slovenian?|croatian?|georgian|czech|"
        r"polish|poland|belgian|dutch|irish|ireland|danish|swedish|swiss"
    ),
    "australia": r"australian?",
    "new_zealand": r"new zealand",
    "south_africa": r"south african?",
    "chile": r"chilean?|chile",
    "argentina": r"argentin\w+",
    "usa": r"californian?|american|usa|oregon",
    "other_world": (
        r"brazilian?|leban\w+|israeli?|indian|chinese|uruguay\w*|moroccan|mexican|canadian|japanese|thai|turkish|"
        r"kenyan?|jamaican?|cuban"
    ),
}
"""Country or part of the world → the words that name it."""

REGIONS: dict[str, str] = {
    "australia": (
        r"australian?|barossa|mclaren|hardy'?s?|jacobs? creek|wolf blass|lindemans?|penfolds|rosemount|"
        r"yellow ?tail|mcguigan|banrock|oxford landing|yalumba|peter lehmann|brown brothers|tim adams|"
        r"clare valley|adelaide|hunter valley|padthaway|coonawarra|wakefield|d arenberg|grant burge|de bortoli|"
        r"blaxland|koonunga|kangaroo|vasse felix|wirra wirra|angove|st hallett|semillon chardonnay|wollemi|"
        r"cape nelson|barramundi|three mills|nottage|katnook|margaret river|margret river|south eastern australia|"
        r"riverglen|jip jip|jim barry|tanunda|heirloom|rolf binder|xanadu|stamford brook"
    ),
    "new_zealand": (
        r"new zealand|marlborough|oyster bay|brancott|villa maria|cloudy bay|montana|mud house|wairau|matua|"
        r"nobilo|the ned|saint clair|awatere|hawkes bay|otago|kiwi|giesen|mount riley|wither hills|yealands|"
        r"stoneleigh|waipara|nelson|tohora|hunky dory|nzed|craggy range|seifried|astrolabe|riverpath|ara single|"
        r"cowrie bay|jackson estate"
    ),
    "south_africa": (
        r"south african?|stellenbosch|kumala|first cape|fairhills|nederburg|namaqua|porcupine ridge|boschendal|"
        r"pinotage|bellingham|cape|douglas green|fish hoek|leopards leap|du toitskloof|stoneberg|zalze|arniston|"
        r"swartland|flagstone|beyerskloof|kanonkop|rustenberg|warwick|elgin|robertson|railroad|paarl|darling|"
        r"whale caller|survivor|chocolate block|graham beck|western cape|tiger horse|silver bay|springfield|"
        r"stormhoek|cederberg"
    ),
    "chile": (
        r"chilean?|chile|casillero|cono sur|isla negra|vina maipo|maipo|errazuriz|luis felipe|valdivieso|anakena|"
        r"carmenere|frontera|santa rita|casablanca valley|central valley|colchagua|elqui|gato negro|montgras|"
        r"mont gras|concha y toro|35 south|sunrise|leyda|la chasse|curico|tierra antica|cornellana|los molles|"
        r"parra alta"
    ),
    "argentina": (
        r"argentin\w+|mendoza|trivento|malbec|santa julia|finca|norton|catena|argento|vinalba|las moras|torrontes|"
        r"alta vista|callia|tilimuqui|graffigna|dona paula|bonarda|tierras colo\w*|contenda"
    ),
    "usa": (
        r"californian?|american|usa|gallo|blossom hill|echo falls|barefoot|zinfandel|turner road|dark horse|napa|"
        r"sonoma|apothic|ravenswood|turning leaf|fetzer|mondavi|oregon|lodi|bear haven|fog head|delicato|"
        r"sutter home|kendall|beringer|bonterra|geyser peak|carnivor|coopers|brazin|columbia crest|echo fruit|"
        r"washington|sierra nevada|brooklyn|samuel adams|goose island"
    ),
    "other_world": (
        r"brazilian?|musar|leban\w+|israeli?|barkan|kedem|indian|sula|chinese|uruguay\w*|moroccan|mexican|"
        r"canadian|japanese|thai|pizzorno|herzog|turkish|kenyan?|jamaican?"
    ),
    "germany": (
        r"german|germany|liebfraumilch|hock|piesporter|niersteiner|mosel|blue nun|black tower|rheinhessen|pfalz|"
        r"kendermanns|dr loosen|bernkastel|kabinett|spatlese|beck'?s|warsteiner|bitburger|erdinger|leitz|kunstler|"
        r"dr wagner"
    ),
    "austria": r"austrian?|gruner veltliner|veltliner|zweigelt|markus huber|laurenz",
    "portugal": r"portuguese|portugal|vinho verde|douro|dao|alentejo|mateus|lisboa|altano|quinta",
    "spain": (
        r"spanish|spain|rioja|ribera|rueda|navarra|campo de borja|tempranillo|garnacha|albari[nñ]o|verdejo|"
        r"priorat|valdepe[nñ]as|godello|mencia|graciano|campo viejo|faustino|marques de|cune|torres|beronia|"
        r"castillo|tinto|cava|catalunya|penedes|la mancha|crianza|reserva rioja|monastrell|airen|viura|muga|"
        r"vina albali|sangre de toro|estrella|san miguel|jerez|baron de ley|freixenet|toro|jumilla|yecla|"
        r"somontano|carinena|condado de|contino"
    ),
    "france": (
        r"french|france|bordeaux|claret|bourgogne|burgundy|chablis|cha?teau(x)?|ch du|medoc|beaujolais|rhone|"
        r"macon|sancerre|pouilly|muscadet|touraine|vouvray|anjou|loire|alsace|languedoc|corbieres|minervois|fitou|"
        r"bergerac|chateauneuf\w*|gigondas|cairanne|vacqueyras|st emill?ion|saint emilion|margaux|pauillac|"
        r"fleurie|brouilly|gascogne|picpoul|limoux|herault|pays d ?oc|vin de pays|vin de france|domaine|"
        r"cotes? d[eu]s?|coteaux|cru|hermitage|crozes|gevrey|meursault|montrachet|nuits|calvet|jp chenet|"
        r"j p chenet|louis (jadot|latour|max)|chapoutier|bouchard|drouhin|duboeuf|guigal|dourthe|roussillon|"
        r"cahors|madiran|provence|le grand noir|les dauphins|blason|sauternes|cognac|armagnac|arrogant frog|"
        r"paul mas|vieux papes|piat d or|famille castel|chapouteir|roussanne|saint joseph|st joseph|savennieres|"
        r"marquis de|moulin|vieilles vignes|esprit de|la patrie|hommage du|pujalet|fief|cuvee|cave de|"
        r"cellier d\w+|mont ?pierre|champteloup|cote mas|la grille"
    ),
    "italy": (
        r"italian?|sicilian?|sicily|chianti|montepulciano|soave|frascati|orvieto|valpolicella|barolo|barbera|"
        r"barbaresco|primitivo|nero d avola|pinot grigio|gavi|verdicchio|pecorino|fiano|grillo|vernaccia|brunello|"
        r"amarone|ripasso|bardolino|lambrusco|prosecco|toscana|tuscan|puglia|salento|abruzzo|veneto|terre (di|"
        r"siciliane)|rosso|aglianico|negroamaro|sangiovese|corvina|garganega|trebbiano|greco|grechetto|falanghina|"
        r"arneis|docg?|igt|ogio|mondelli|palastri|canaletto|piccini|antinori|canti|cantina|villa|zenato|ascheri|"
        r"araldica|inycon|peroni|moretti|classico|monferrato|marzemino|dolcetto|nebbiolo|terredora|montefalco|"
        r"i heart pinot grigio"
    ),
    "united_kingdom": (
        r"english|england|chapel down|british|britain|welsh|wales|scottish|scotland|denbies|bacchus|kent|somerset|"
        r"cornish|yorkshire|devon"
    ),
    "other_europe": (
        r"romanian?|bulgarian?|hungarian?|hungary|greek|greece|retsina|tsantali|la umbra|tokaji|moldov\w+|"
        r"slovenian?|croatian?|santorini|torley|hilltop|saparavi|georgian|puklavec|martisor|kourtaki|czech|polish|"
        r"poland|belgian|dutch|irish|ireland|danish|swedish"
    ),
}
"""Country → its regions, producers and grapes of one country; they count where no word names a country.

The first match counts: producers of the New World before appellations of the Old World, whose words they use.
"""

EUROPE = ("france", "italy", "spain", "portugal", "germany", "austria", "united_kingdom", "other_europe")

STRENGTHS_ABV: tuple[tuple[str, float], ...] = (
    (r"alcohol ?free|non alcoholic|alkoholfrei|becks blue|low alcohol|clausthaler|nanny state", 0.5),
    (
        r"carling( lager)?|fosters?|coors light|carlsberg( lager)?|amstel|heineken 4|tennents|becks vier|"
        r"stella artois 4|skol|bavaria 4",
        4.0,
    ),
    (r"bud ?light|coors", 4.0),
    (r"carlsberg special brew|special brew|tennents super|kestrel super|gold label", 8.0),
    (
        r"budweiser|becks|grolsch|stella artois|kronenbourg|san miguel|peroni|corona|heineken|"
        r"carlsberg export|budvar|staropramen|estrella|moretti|cobra|tiger|sol|asahi|holsten|red stripe|"
        r"kingfisher|singha|tsingtao|urquell|tyskie",
        4.9,
    ),
    (r"(old rosie|katy|dabinett|vintage|black rat|somerset reserve|red streak|premier cru|black fox)", 7.3),
    (r"(vintage reserve|henry westons? vintage|westons vintage|white star|k cider)", 8.2),
    (r"frosty jacks|diamond white|crumpton oaks", 7.5),
    (r"frome valley", 6.5),
    (
        r"strongbow|bulmers|magners|stowford|thatchers gold|addlestones|scrumpy jack|stella cidre|woodpecker|"
        r"haze",
        4.8,
    ),
    (
        r"john smiths?( extra smooth)?|boddingtons|tetleys?|caffreys|worthingtons?|mcewans export|"
        r"courage light",
        3.7,
    ),
    (r"guinness", 4.2),
)
"""Words and strength in % of alcohol by volume, as far as widely known; the first match counts."""
