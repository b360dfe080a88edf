"""Rules that people can read: patterns over subject, sender and visible text, found in one pass by re2.

A rule says only that something is there; what that is worth is fitted with the model. Matching is linear in the text,
whatever the pattern (re2). Not done here: rules of administrators.
"""

from __future__ import annotations

from functools import cache
from typing import Final, NamedTuple

import re2

from posthouse.spam.text.message import Message

MAX_TEXT: Final = 9_000
"""Characters that are searched."""


class Rule(NamedTuple):
    name: str
    pattern: str
    """Over normalised text: lower case, one space. Lines: subject, sender, text."""
    means: str


RULES: Final = (
    Rule(
        "ADVANCE_FEE",
        r"next of kin|beneficiary|late (?:husband|father|president)|sum of (?:us)?\$|inheritance fund",
        "An inheritance or a fund looks for a partner",
    ),
    Rule(
        "MILLIONS",
        r"(?:million|billion) (?:u\.?s\.? )?(?:dollars|euros?|pounds|usd)|\$\d{1,3}[.,]\d{1,3} ?million",
        "Millions are offered",
    ),
    Rule(
        "LOTTERY",
        r"lottery|you (?:have |'ve )?won\b|winning (?:number|ticket)|claim your (?:prize|reward|gift)",
        "A prize was won",
    ),
    Rule(
        "URGENT_BUSINESS",
        r"urgent (?:business|reply|response|assistance)|strictly confidential|mutual benefit",
        "Urgent and confidential business",
    ),
    Rule(
        "VERIFY_ACCOUNT",
        r"(?:verify|confirm|update|validate) (?:your |the )?(?:account|identity|information|details|mailbox|"
        r"password)",
        "Asks to verify an account",
    ),
    Rule(
        "ACCOUNT_SUSPENDED",
        r"account (?:has been |will be |is |was )?(?:suspend|limit|lock|restrict|disabl|deactivat|block)",
        "An account is said to be suspended",
    ),
    Rule(
        "MAILBOX_FULL",
        r"(?:mailbox|storage|quota) (?:is |has )?(?:almost )?(?:full|exceeded|reached)|(?:upgrade|"
        r"increase) your (?:mailbox|quota)",
        "The mailbox is said to be full",
    ),
    Rule(
        "PASSWORD_EXPIRES",
        r"password (?:is |will |has |about to |set to )?(?:expir|be reset)|keep (?:the )?(?:same|"
        r"current) password",
        "A password is said to expire",
    ),
    Rule(
        "UNUSUAL_SIGN_IN",
        r"unusual (?:sign[- ]?in|activity|login)|suspicious (?:activity|login|sign)",
        "Unusual activity is reported",
    ),
    Rule(
        "PENDING_MESSAGES",
        r"(?:pending|undelivered|quarantined|held|incoming) (?:messages?|e?mails?)\b",
        "Messages are said to be pending",
    ),
    Rule(
        "PARCEL_WAITS",
        r"(?:package|parcel|shipment|delivery) (?:is |has been |could not |was )?(?:waiting|pending|on hold|"
        r"be delivered|returned|failed)",
        "A parcel is said to wait",
    ),
    Rule(
        "INVOICE_ATTACHED",
        r"(?:invoice|remittance|payment advice|purchase order|swift copy) (?:is )?(?:attached|enclosed)|"
        r"(?:attached|see) (?:invoice|remittance)",
        "An invoice is attached",
    ),
    Rule(
        "CRYPTO",
        r"bitcoin|\bbtc\b|\busdt\b|crypto ?(?:currency|wallet|asset)|seed phrase|blockchain wallet",
        "About crypto money",
    ),
    Rule(
        "EXTORTION",
        r"(?:recorded|video of) you|your (?:webcam|device was|contacts will)|i (?:have )?hacked",
        "Extortion",
    ),
    Rule(
        "GIFT_CARD",
        r"gift ?cards?\b|(?:itunes|steam|google play) cards?",
        "Gift cards",
    ),
    Rule(
        "PILLS",
        r"viagra|cialis|levitra|xanax|valium|phentermine|tramadol|online pharmacy|no prescription",
        "Drugs without prescription",
    ),
    Rule(
        "ENLARGE",
        r"enlarge(?:ment)?\b.{0,40}(?:penis|breast|size)|(?:penis|breast) enlarge|bigger penis|"
        r"male enhancement",
        "Enlargement",
    ),
    Rule(
        "ADULT",
        r"\b(?:xxx|porn|hardcore|horny|sluts?|nude|teens? (?:sex|girls)|hot girls|adult (?:site|dating))\b",
        "Adult content",
    ),
    Rule(
        "DATING",
        r"(?:lonely|single|russian|beautiful) (?:women|girls|ladies|housewives)|find (?:your )?(?:love|a date)",
        "Dating",
    ),
    Rule(
        "MORTGAGE",
        r"mortgage (?:rates?|loan|quote)|refinanc|lowest rates|home equity|interest rates? (?:as low|are)",
        "Mortgages",
    ),
    Rule(
        "DEBT",
        r"(?:consolidate|eliminate|reduce) (?:your |all )?(?:debts?|bills|credit)|bad credit|debt free",
        "Debts",
    ),
    Rule(
        "LOAN_OFFER",
        r"loan offer|(?:personal|business) loans? at|apply for (?:a )?loan",
        "A loan is offered",
    ),
    Rule(
        "MAKE_MONEY",
        r"(?:make|earn) (?:\$|money|cash|up to|thousands|extra)|work (?:from|at) home|home based business|"
        r"financial freedom",
        "Earn money at home",
    ),
    Rule(
        "MLM",
        r"multi[- ]?level|\bmlm\b|downline|network marketing|chain letter|send (?:\$5|five dollars)",
        "A pyramid",
    ),
    Rule(
        "STOCK_TIP",
        r"(?:hot|penny) stocks?|stock (?:alert|pick)|strong buy|\botcbb\b|price target|"
        r"forward[- ]looking statements",
        "A stock is praised",
    ),
    Rule(
        "BULK_MAIL_SOLD",
        r"bulk e?-?mail|million (?:e?mail )?addresses|e?mail (?:lists?|marketing) (?:for sale|software|"
        r"campaign)|targeted (?:leads|e?mail)",
        "Bulk mail is sold",
    ),
    Rule(
        "SEO_OFFER",
        r"(?:first|top|1st) page (?:of|on) google|\bseo (?:services?|expert|company|proposal)|backlinks|"
        r"guest post|rank(?:ing)? (?:your )?website",
        "Search engine services",
    ),
    Rule(
        "WEB_DEVELOPMENT",
        r"(?:website|app|mobile) (?:design|develop\w+) (?:services?|company|firm)|redesign your (?:web)?site",
        "Web design is offered",
    ),
    Rule(
        "LEADS_LIST",
        r"(?:attendees?|decision makers|users?|contacts?) (?:e?mail )?(?:list|database)|counts and (?:pricing|"
        r"cost)",
        "A list of contacts is sold",
    ),
    Rule(
        "FAKE_JOURNAL",
        r"call for papers.{0,200}(?:impact factor|fast publication)|submit your (?:manuscript|paper|article)|"
        r"esteemed (?:journal|author)|eminent (?:speaker|researcher)",
        "A journal looks for authors",
    ),
    Rule(
        "DIPLOMA",
        r"(?:university|college) (?:degrees?|diplomas?)|no (?:tests|exams|classes)|bachelors?,? masters",
        "Diplomas are sold",
    ),
    Rule(
        "REPLICA",
        r"replica (?:watch|rolex|handbag)|\brolex\b|luxury watch|louis vuitton",
        "Copies of luxury goods",
    ),
    Rule(
        "CHEAP_SOFTWARE",
        r"(?:oem|cheap|discount) software|cd[- ]?r(?:om)?s? .{0,20}copy|norton systemworks",
        "Cheap software",
    ),
    Rule(
        "CASINO",
        r"casino|\bpoker\b|slot machines?|sports ?book|betting bonus|free spins",
        "Gambling",
    ),
    Rule(
        "WEIGHT_LOSS",
        r"weight loss|lose (?:weight|\d+ (?:pounds|lbs|kg))|burn fat|diet pill|\bketo\b|\bhgh\b|"
        r"human growth hormone",
        "Weight loss",
    ),
    Rule(
        "INSURANCE",
        r"(?:life|auto|car|health) insurance (?:quotes?|rates?|plans?)|free (?:insurance )?quotes?",
        "Insurance quotes",
    ),
    Rule(
        "CABLE_DESCRAMBLER",
        r"descrambler|cable (?:tv )?(?:box|filter)|free (?:satellite|cable)",
        "Television for nothing",
    ),
    Rule(
        "FREE_OFFER",
        r"absolutely free|100 ?% free|free (?:trial|gift|bonus|sample|membership)|risk[- ]free|no (?:cost|"
        r"obligation|risk)\b",
        "Something for nothing",
    ),
    Rule(
        "MONEY_BACK",
        r"money[- ]back|satisfaction guaranteed|100 ?% (?:guarantee|satisfaction)",
        "Money back",
    ),
    Rule(
        "ACT_NOW",
        r"act now|limited time|offer expires|order (?:now|today)|don'?t (?:miss|delay)|while supplies last|"
        r"today only|last chance",
        "Act now",
    ),
    Rule(
        "CLICK_HERE",
        r"click (?:here|below|on the link|the (?:link|button))",
        "Click here",
    ),
    Rule(
        "REMOVE_ME",
        r"to be removed|remov(?:e|al) (?:in|from) (?:the )?(?:subject|our|this|future)|(?:reply|"
        r"e-?mail).{0,40}\bremove\b",
        "To be removed, reply",
    ),
    Rule(
        "NOT_SPAM",
        r"this (?:is not|message is not|e?-?mail is not) (?:a )?spam|s\.? ?1618|not (?:be )?considered spam|"
        r"in compliance with",
        "Says that it is no spam",
    ),
    Rule(
        "OPTED_IN",
        r"you (?:have )?(?:opted|signed) (?:in|up)|(?:because|as) you (?:are|have) (?:subscribed|registered|"
        r"requested)|receiving this (?:e?-?mail|message|offer)",
        "Says that you asked for it",
    ),
    Rule(
        "DEAR_FRIEND",
        r"dear (?:friend|sir|madam|customer|user|valued|beloved|winner|beneficiary|account)|"
        r"attention:? (?:beneficiary|user)",
        "An impersonal address",
    ),
    Rule(
        "BANK_TRANSFER",
        r"(?:wire|bank|money) transfer|western union|moneygram|bank account (?:number|details)|"
        r"transfer (?:of )?(?:the )?funds?",
        "A transfer of money",
    ),
    Rule(
        "TELEGRAM_WHATSAPP",
        r"(?:whats ?app|telegram) ?(?:me|us|number|:|\+)|contact (?:me|us) (?:on|via) (?:whats ?app|telegram)",
        "Go on in another messenger",
    ),
    Rule(
        "LIST_MAIL",
        r"mailing list\b|listinfo|_{20,} ?\w+ mailing list",
        "Footer of a discussion list",
    ),
    Rule(
        "QUOTES_REPLY",
        r"\bwrote:|\bsaid:|original message",
        "Quotes what was written before",
    ),
    Rule(
        "PATCH_OR_CODE",
        r"diff --git|\bpatch\b.{0,80}\b(?:apply|commit)|traceback|#include|stack trace|segfault",
        "Code or a patch",
    ),
)
NAMES: Final = tuple(rule.name for rule in RULES)


@cache
def _compiled() -> re2.Set:
    options = re2.Options()
    options.max_mem = 64 * 1024 * 1024
    options.log_errors = False
    patterns = re2.Set.SearchSet(options)
    for rule in RULES:
        patterns.Add(rule.pattern)
    patterns.Compile()
    return patterns


def fired(message: Message) -> list[int]:
    """Places in RULES of the rules that match, in order."""
    text = f"{message.subject}\n{message.sender}\n{message.text}"[:MAX_TEXT]
    return sorted(_compiled().Match(text.encode("utf-8", "replace")) or ())
