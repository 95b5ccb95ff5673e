"""The two shops of the demo: two tenants, one agent. The seed command, the pages and the tests all read them here."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class DemoShop:
    """A website of the demo; ``instructions`` are its facts, which its page (``template``) shows as well."""

    domain: str
    tenant_name: str
    title: str
    summary: str
    template: str
    site_key: str
    accent: str
    welcome: str
    starters: tuple[str, ...]
    instructions: str


BAKERY: Final = DemoShop(
    domain="bakery.localhost",
    tenant_name="Mill Lane Bakery",
    title="Mill Lane Bakery",
    summary="Slow bread from a stone oven",
    template="demo/bakery.html",
    site_key="pk_demo_bakery_mill_lane",
    accent="#a8481f",
    welcome="Good morning! Ask me about our bread, our opening hours or an order.",
    starters=("When are you open?", "What does a sourdough cost?", "Do you deliver?"),
    instructions="""\
You answer for Mill Lane Bakery, a family bakery with a stone oven. Be warm and brief.
Opening hours: Tuesday to Saturday 7:00-18:00, Sunday 8:00-13:00, closed on Monday.
Address: 14 Mill Lane, Ashcombe, next to the old water mill.
Phone: 01632 960 142. Email: hello@mill-lane.example.
Prices: country sourdough £4.80, seeded rye £5.20, butter croissant £2.60, cardamom bun £3.20, \
lemon and almond cake £3.90 a slice.
Celebration cakes: from £38, ordered 48 hours ahead.
Orders: order before 16:00 and collect from 7:00 the next open day.
Delivery: within 3 miles, Tuesday to Saturday, £3, free above £25.
Payment: cash, cards and phones.
Vegan: the country sourdough and the seeded rye are vegan.
Allergens: everything is baked in one kitchen with wheat, milk, eggs, nuts and sesame.
Leftovers: bread that is left at the end of the day is half price.
Parking: free for 30 minutes behind the mill.
""",
)

BICYCLES: Final = DemoShop(
    domain="bicycles.localhost",
    tenant_name="Spoke & Chain Bicycles",
    title="Spoke & Chain Bicycles",
    summary="Bikes built, fitted and kept rolling",
    template="demo/bicycles.html",
    site_key="pk_demo_bicycles_spoke_chain",
    accent="#0b6b5d",
    welcome="Hi! Ask me about our bikes, the workshop or a test ride.",
    starters=("When are you open?", "Can you fix a puncture?", "Can I take a test ride?"),
    instructions="""\
You answer for Spoke & Chain Bicycles, a bicycle shop with its own workshop. Be precise and friendly.
Opening hours: Monday to Friday 9:00-18:30, Saturday 9:00-17:00, closed on Sunday.
Address: 7 Foundry Street, Portwell, two minutes from the station.
Phone: 01632 960 377. Email: workshop@spokechain.example.
Service prices: safety check £25, standard service £69, full service £139, puncture repair £14 while you wait.
Bike prices: Meridian 2 city bike £649, Fell 29 mountain bike £1,180, Switchback gravel bike £1,495, \
Courier E cargo bike £3,290.
Workshop: standard services handed in before 11:00 are ready the same day.
Test rides: free, up to 45 minutes, bring a photo ID.
Sizes: frames from 47 to 61 cm; a fitting takes 20 minutes and is free with every bike.
Returns: within 30 days, ridden less than 50 km.
New bikes: the first service is free within six weeks.
Delivery: bikes come built and adjusted, free within 15 miles.
Payment: cards, bank transfer and Cycle to Work vouchers.
""",
)

DEMO_SHOPS: Final = (BAKERY, BICYCLES)


def demo_shop_at(domain: str) -> DemoShop | None:
    return next((shop for shop in DEMO_SHOPS if shop.domain == domain), None)
