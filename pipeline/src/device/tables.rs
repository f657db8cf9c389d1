//! The patterns that carry a mark, `|` between them; how a pattern is written is told in `marks`.
//!
//! Order does not matter: every mark of a User-Agent is found, and `system` and `browser` weigh
//! them.

use super::marks::Mark::{self, *};

#[rustfmt::skip] // one group a line reads better than one pattern a line
pub(super) const MARKS: &[(Mark, &str)] = &[
    // Programs without a person behind them: words crawlers use of themselves …
    (Bot, "bot>|bots>|bot_|robot|crawl|spider|slurp|scrap|fetch|archiver|preview|monitor|checker"),
    (Bot, "favicon|subscribers|http client|linkexpander|validator|indexer|scanner|search engine"),
    (Bot, "searchengine|feedburner|feedly|healthcheck|health check|uptime|pingdom|synthetic"),
    (Bot, "lighthouse|pagespeed|ptst/|gtmetrix|headless|phantomjs|puppeteer|playwright|selenium"),
    (Bot, "webdriver|proxychecker|<probe|prober|analyzer|extractor|harvest|research|<security>"),
    (Bot, "webmaster|audit|adstxt|ads.txt|observatory|diagnostics"),
    // … large operators' names …
    (Bot, "google-|-google>|googleother|google favicon|google web preview|google page speed"),
    (Bot, "mediapartners|adsbot|y!j-|yahooseeker|yahoo link|facebookexternal|externalhit"),
    (Bot, "facebookcatalog|meta-external|skypeuripreview|vkshare|embedly|quora link|outbrain"),
    (Bot, "flipboardproxy|nuzzel|bitly|mixi-|<yeti/|daumoa|ichiro/|heritrix|nutch|ia_archiver"),
    (Bot, "teoma|ask jeeves|gooblogsearch|apple-pubsub|cloudflare|datadog|dynatrace|catchpoint"),
    (Bot, "newrelic|appinsights|zabbix|nagios|check_http|munin|prtg|elb-health|kube-probe|gptbot"),
    (Bot, "chatgpt-user|claude-web|perplexity|cohere-ai|ccbot"),
    // … and the libraries and tools of programs. okhttp, CFNetwork and Dalvik are not here: the
    // apps of people use them.
    (Bot, "<curl/|libcurl|<wget|python|go-http-client|libwww|<lwp|apache-httpclient"),
    (Bot, "jakarta commons|axios/|node-fetch|<node/|undici|node.js|postman|insomnia/|httpie"),
    (Bot, "scrapy|aiohttp|httpx|httpunit|ruby/|guzzle|<php|indy library|winhttp|masscan|<nmap"),
    (Bot, "zgrab|nikto|sqlmap|nessus|openvas|arachni|<jmeter|<k6/|wordpress/|drupal|feed parser"),
    (Bot, "feedparser|simplepie|magpierss|rome client|<rest-client|larbin|httrack|webcopier"),
    (Bot, "webzip|linkwalker|<http_"),
    // A phone brand that ends in "bot".
    (NotBot, "<cubot"),
    // An address in a User-Agent tells a site's owner whom to ask about the program.
    (Link, "http://|https://|<www."),
    // Words programs introduce themselves with, which people's browsers use too.
    (Introduction, "compatible;|<whatsapp/|<java/|<ruby>"),
    // Televisions, boxes, sticks, consoles, watches, glasses, cars, speakers, refrigerators.
    (Thing, "smarttv|smart-tv|smart tv|hbbtv|googletv|google tv|appletv|apple tv|androidtv"),
    (Thing, "android tv|netcast|web0s|webos.tv|webostv|tvos|<roku|bravia|viera|vidaa|crkey"),
    (Thing, "chromecast|mitv|mibox|mi box|nexus player|ce-html|hybridcast|set-top|<stb>|tvbox"),
    (Thing, "loewe|nettv|inettvbrowser|dtvnetbrowser|aquosbrowser|espial|boxee|dunehd|kodi/"),
    (Thing, "amazon;aft|tv_aft|ohtv|<omi/|brightsign|tv safari|<plex|kreatel|airties|nf34"),
    (Thing, "playstation|xbox|nintendo|<psp |segasaturn|dreamcast|ouya|shield android|watchos"),
    (Thing, "smartwatch|galaxy watch|sm-r|<watch|wearos|oculus|vr safari|hololens|visionos"),
    (Thing, "<tesla/|qtcarbrowser|carplay|carpad|<echo/|family hub|familyhub|projector"),
    (OtherTablet, "archos gamepad"),
    (TvWord, "<tv>|<dtv|<atv>"),
    // Apple.
    (IPhone, "<iphone|dv(iph"),
    (IPad, "<ipad|dv(ipd"),
    (IPod, "<ipod"),
    (Ios, "<ios>|like mac os x"),
    (Macintosh, "macintosh|mac os|macos|mac_powerpc|macbook|macmini|mac mini|<imac|<macpro|<osx>"),
    (Darwin, "darwin"),
    (Intel, "x86_64|i386"),
    // Computers.
    (WindowsNt, "windows nt"),
    (Windows, "windows|<win9|<win1|<win32|<win64|<winnt|<win>"),
    // The Android of a Chromebook has ChromeOS's build numbers: R62-9901.77.0.
    (ChromeOs, "<cros>|chromebook|build/r6|build/r7|build/r8|build/r9|build/r10|build/r11"),
    (ChromeOs, "build/r12|build/r13|build/r14"),
    (Linux, "linux"),
    (LinuxPc, "x11;|linux x86_64|linux i6|linux amd64|ubuntu|debian|fedora|<suse|gentoo"),
    (OtherDesktop, "freebsd|openbsd|netbsd|dragonfly|sunos|solaris|amiga|<haiku|<beos|<os/2"),
    (OtherDesktop, "risc os|<irix|hp-ux|<aix>|morphos|desktop|ms-office|webpositive"),
    // Android and what runs its apps.
    (Android, "android|<adr "),
    (Harmony, "harmonyos|openharmony"),
    // Phones and tablets of other systems.
    (WindowsPhone, "windows ce|windows phone|windows mobile|iemobile|lumia|zunewp|wpdesktop"),
    (FeaturePhone, "blackberry|<bb10|symbian|series60|series 60|<s60|<series40"),
    (FeaturePhone, "<series30|nokia|up.browser|up.link|docomo|<foma|kddi-|softbank|vodafone/"),
    (FeaturePhone, "j-phone|willcom|ddipocket|netfront|obigo|openwave|jig browser|openbrowser"),
    (FeaturePhone, "<palm|webos/|hpwos|<blazer|kaios|maemo|meego|<bada|<brew|sonyericsson"),
    (FeaturePhone, "<samsung-|<sec-|<lg-|<lge-|<mot-|<sie-|<sagem|<zte|<alcatel|pantech|<huawei"),
    (FeaturePhone, "<htc|teleca|jasmine/|maui|dorado|ucweb|j2me|<wap>|wap-browser|nucleus|mauiwap"),
    (FeaturePhone, "polaris|dolfin|sailfish|ubuntu touch|opera mobi|fennec|spreadtrum|mediatek"),
    (FeaturePhone, "<mtk|micromax|karbonn|<lava|<spice|philips"),
    (OtherTablet, "playbook|rim tablet|hp-tablet|touchpad|kindle/|kindle fire|silk-accelerated"),
    (OtherTablet, "kobo|nook |opera tablet"),
    (Tizen, "<tizen"),
    // Sizes, as the sender gives them.
    (MobileWord, "<mobile>|<phone>|midp|cldc|_cmcc|_td/"),
    (TabletWord, "<tablet>|/apad"),
    // Browsers.
    (Kakao, "kakaotalk"),
    (Naver, "naver("),
    (Line, "<line/"),
    (Whale, "whale/"),
    (Samsung, "samsungbrowser"),
    (Edge, "<edg/|<edga/|<edgios/|<edge/"),
    (Opera, "<opr/|<opera|<opios|<opt/|<opx/"),
    (OperaMini, "opera mini"),
    (Firefox, "firefox/|fxios|<focus/|<klar/"),
    (InApp, "fban/|fbav/|fb_iab|instagram|barcelona |twitter|micromessenger|tiktok|musical_ly"),
    (InApp, "bytedance|snapchat|pinterest|linkedinapp|daumapps|kakaostory|<band/|<gsa/"),
    (InApp, "baiduboxapp|discord/|weibo|alipay|yaapp_"),
    (WebView, "<wv>"),
    (OtherBrowser, "oculusbrowser|yabrowser|vivaldi|ucbrowser|miuibrowser|huaweibrowser|qqbrowser"),
    (OtherBrowser, "<brave|duckduckgo/|<ddg/|<silk/|vivobrowser|heytapbrowser|puffin|aloha"),
    (OtherBrowser, "sleipnir|coc_coc|maxthon|electron/|quark/|iron/|seamonkey|palemoon|waterfox"),
    (OtherBrowser, "konqueror|iceweasel|jiosphere|phoenix/|mint browser|ecosia|avast/|avg/"),
    (OtherBrowser, "ccleaner|2345explorer|2345browser|metasr|swing/|stargon"),
    (Msie, "msie |trident/"),
    (Chrome, "chrome/|chromium/|crios/|crmo/"),
    (Safari, "safari"),
    (WebKit, "applewebkit"),
    (Version, "version/"),
];
