"""What the pages say, in both languages: the same keys, the same figures put in."""

ENGLISH = {
    "title": "# Real processes under a storm of faults",
    "other": "한국어: [chaos.ko.md](chaos.ko.md)",
    "made": "{date}, `make chaos CHAOS='--minutes {minutes:g} --seed {seed} --rate {rate}'`, commit {commit}, profile `ci`; {cores} cores and {memory_gib} GiB shared by three brokers, three servers of Redis with three "
            "sentinels, three nodes of OpenSearch, three processors, two gateways, two APIs and all clients. Figures as JSON: [result.json](chaos/result.json).",
    "how": "A seed decides every fault before it begins (`--plan` prints them): every 3 to 10 s in up to three parts at once, each part one at a time, with quiet phases. First it is asserted that every topic is on three brokers, two of which "
           "must have a record before it is acknowledged, that no unclean leader may be elected, that Redis evicts nothing and keeps an append-only file, and that `footfall doctor` finds nothing. Clients keep journals of every try; what was not answered "
           "stays unknown until somebody asks again. Redis' servers find each other through links that can be cut, so that what a primary wrote in its last moments is lost for good. `make test` runs three minutes of it, the same each time. The scripts: [`chaos/drills`](../chaos/drills/storm).",
    "facts": [
        "**{faults} faults** of {kinds} kinds, {per_hour} an hour; {failovers} failovers of Redis, {broker_kills} brokers killed, {processor_kills} processors killed",
        "Redis while it happened: {images} images of a partition at {offsets} offsets, {per_second} a second, each held against the fold of the log up to its offset: **{images_wrong} wrong**. The offset went back {went_back} times; nothing "
        "could be read for {no_image_s} s at the longest",
        "the primary left behind in {cut} split brains: {cut_images} images, {cut_wrong} wrong",
        "afterwards, against an independent fold of {records} records ({applied} applied, {duplicate} duplicate, {dead_lettered} dead-lettered): {cells} cells of both stores compared, **{differ} differ**; every record "
        "made bad is a dead letter, {stores_letters}",
        "a producer over HTTP: {producer_events} events in {producer_tries} tries, each in the log where it was acknowledged, {producer_in_log_again} there more than once, each counted once; no acknowledgement for {producer_gap} s at the longest",
        "people: {people_people} in {people_openings} openings, {people_tries} tries; told yes = admitted by a recount of the log, {people_admitted}, and so many have entered in the funnel; nobody was told two things; nobody was answered for {people_gap} s at the longest",
        "a reader: {reader_answers} answers, {reader_went_back} of them older than the one before and marked so, no other was; none counted more than had been sent; none for {reader_gap} s at the longest",
        "worst age of the newest record in a partition's image: {worst_age_s} s, at second {worst_age_at}; {healed_s} s after the last fault everything was whole and fresh",
        "at the end the events topic was deleted and made anew under running processors: {halted} of {partitions} partitions halted, and Redis kept what it had",
    ],
    "picture": "Faults, throughput, lag, freshness and answers over time",
    "head": ["part", "fault", "times", "whole again s, median", "most", "fresh again s, median", "most"],
    "table": "*Whole again*: from the fault until the part was as before, with the length of the fault and the restart of the servers. *Fresh again*: from the fault until every partition of Redis held records that came after it, "
             "whatever else happened meanwhile.",
    "violations": "**Violations:** {found}",
    "none": "none",
    "rest": """## A control
A check that can't fail proves nothing. `make chaos CHAOS='--minutes 3 --seed 18 --spoilt'` takes the lower bound of the guard out of Redis' function, again and again, while everything else is as above. 2026-11-24: afterwards 126 of the 25,377
cells of Redis and the log's fold differed, in a run that ended there, before its images were judged.

## What it has found
- A topic that is deleted and made again, after brokers had died under the old one: half of the partitions did not halt, as they must (I9), but stood still in silence. The Kafka client takes the new leaders' lower epochs for stale news and
  fetches nothing. Now the log's end tells, processors and gateways alike: `log/src/cut.rs`, whose test has the case; each run ends with it.
- Sentinels that are found at an address which clients can't reach: the client forgets the addresses of the configuration for those that the sentinels tell of each other, and never comes back. That was the set-up's mistake; `sentinel announce-ip` mends it.
- A node of OpenSearch that came back was not whole for five minutes: it did again 150,000 to 330,000 writes that it had not yet made durable in its index, since a view overwrites few documents again and again and OpenSearch only begins to worry at 512 MB. Now
  an index is made with `translog.flush_threshold_size` at 16 MB: `views/src/opensearch/index.rs`, whose test on a real server reads the setting back.
- A process with a faked clock crashed at once: the simulator's allocator had got into `footfall` through the workspace's features and ended every process under libfaketime. It is a feature of its own now, `override-malloc`, which only the simulator's release build asks for, and `.ci/dependency-direction.py` looks for it.
- A processor that was asked to stop while it still waited for brokers or stores was ended by the signal, as if it had crashed. A process listens from its first moment now and ends as asked: `footfall/src/stopping.rs`, with a test in `footfall/tests/stopping.rs`.""",
}

KOREAN = {
    "title": "# 실제 프로세스에 쏟아진 장애",
    "other": "English: [chaos.md](chaos.md)",
    "made": "{date}, `make chaos CHAOS='--minutes {minutes:g} --seed {seed} --rate {rate}'`, 커밋 {commit}, 프로필 `ci`. 브로커 셋, 센티널 셋이 지키는 Redis 서버 셋, OpenSearch 노드 셋, 프로세서 셋, 게이트웨이 둘, API 둘과 모든 클라이언트가 "
            "코어 {cores}개와 메모리 {memory_gib} GiB를 나누어 썼습니다. 수치는 JSON으로도 있습니다: [result.json](chaos/result.json).",
    "how": "모든 장애는 시작 전에 시드가 정합니다(`--plan`으로 볼 수 있습니다). 3~10초마다 많으면 세 곳에서 한꺼번에 일어나고, 한 곳에는 한 번에 하나씩이며, 조용한 구간이 있습니다. 먼저 확인하는 것: 모든 토픽이 브로커 셋에 있고 둘이 받아야 응답하며, "
           "뒤처진 리더는 뽑히지 않고, Redis는 아무것도 내쫓지 않으며 추가 전용 파일을 쓰고, `footfall doctor`가 문제를 찾지 못합니다. 클라이언트는 모든 시도를 일지에 적으며, 답을 받지 못한 것은 다시 물을 때까지 모르는 것으로 둡니다. Redis 서버들은 끊을 수 있는 링크를 거쳐 "
           "서로를 찾으므로 프라이머리가 마지막에 쓴 것은 정말로 사라집니다. `make test`는 그 가운데 늘 같은 3분을 돌립니다. 스크립트: [`chaos/drills`](../chaos/drills/storm).",
    "facts": [
        "{kinds}가지 **장애 {faults}번**, 시간당 {per_hour}번. Redis 장애 조치 {failovers}번, 브로커 강제 종료 {broker_kills}번, 프로세서 강제 종료 {processor_kills}번",
        "그동안의 Redis: 오프셋 {offsets}곳에서 읽은 파티션 이미지 {images}개(초당 {per_second}개)를 모두 그 오프셋까지의 로그 폴드와 비교: **틀린 것 {images_wrong}개**. 오프셋이 뒤로 간 것은 {went_back}번, 아무것도 읽지 못한 시간은 길어야 {no_image_s}초",
        "스플릿 브레인 {cut}번에서 홀로 남은 프라이머리: 이미지 {cut_images}개, 틀린 것 {cut_wrong}개",
        "끝난 뒤 레코드 {records}개를 독립된 폴드와 비교(적용 {applied}, 중복 {duplicate}, 데드 레터 {dead_lettered}): 두 저장소의 셀 {cells}개 중 **다른 것 {differ}개**. 일부러 망가뜨린 레코드는 모두 데드 레터가 됨: {stores_letters}개",
        "HTTP 생산자: 이벤트 {producer_events}개를 {producer_tries}번 시도. 모두 응답받은 자리에 있고, 두 번 이상 기록된 {producer_in_log_again}개도 한 번만 집계됨. 응답이 없던 시간은 길어야 {producer_gap}초",
        "사람들: {people_openings}번의 선착순에 {people_people}명이 {people_tries}번 시도. 당첨이라고 들은 사람 = 로그를 다시 세어 얻은 당첨자 {people_admitted}명 = 퍼널의 참여자. 두 가지 답을 들은 사람은 없음. 아무도 답을 받지 못한 시간은 길어야 {people_gap}초",
        "조회자: 응답 {reader_answers}개. 이전보다 오래된 {reader_went_back}개는 모두 그렇게 표시되었고 다른 것은 표시되지 않음. 보낸 것보다 많이 센 적 없음. 응답이 없던 시간은 길어야 {reader_gap}초",
        "파티션 이미지에서 가장 새로운 레코드의 최대 나이: {worst_age_s}초({worst_age_at}초 시점). 마지막 장애 뒤 {healed_s}초 만에 모두 온전하고 최신이 됨",
        "마지막에 프로세서가 도는 채로 이벤트 토픽을 지우고 다시 만듦: 파티션 {partitions}개 중 {halted}개가 멈추었고 Redis의 내용은 그대로임",
    ],
    "picture": "시간에 따른 장애, 처리량, 지연, 신선도, 응답",
    "head": ["대상", "장애", "횟수", "복구 초, 중앙값", "최대", "최신화 초, 중앙값", "최대"],
    "table": "*복구*: 장애가 시작되어 대상이 이전과 같아질 때까지이며 장애의 길이와 서버 재시작 시간이 들어 있습니다. *최신화*: 장애가 시작된 뒤에 들어온 레코드를 Redis의 모든 파티션이 담을 때까지이며, 그사이 일어난 다른 일도 들어 있습니다.",
    "violations": "**위반:** {found}",
    "none": "없음",
    "rest": """## 대조 실험
실패할 수 없는 검사는 아무것도 증명하지 못합니다. `make chaos CHAOS='--minutes 3 --seed 18 --spoilt'`는 다른 것은 그대로 두고 Redis 함수에서 가드의 하한을 거듭 없앱니다. 2026-11-24: 끝난 뒤 Redis와 로그 폴드의 셀 25,377개 중 126개가 달랐습니다. 이 실행은 거기에서
끝나 이미지는 판정하지 않았습니다.

## 찾아낸 것
- 브로커가 죽은 적이 있는 토픽을 지우고 다시 만들면, 멈추어야 할 파티션(I9)의 절반이 멈추지 않고 소리 없이 서 있었습니다. Kafka 클라이언트가 새 리더의 더 낮은 에포크를 낡은 소식으로 여겨 아무것도 가져오지 않기 때문입니다. 이제 프로세서도 게이트웨이도 로그의 끝으로 압니다. `log/src/cut.rs`의
  테스트에 이 경우가 있고, 실행할 때마다 마지막에 확인합니다.
- 클라이언트가 닿을 수 없는 주소를 센티널들이 서로 알리면, 클라이언트는 설정에 있는 주소를 잊고 그 주소만 찾다가 돌아오지 못합니다. 설정의 잘못이었고 `sentinel announce-ip`로 고칩니다.
- 돌아온 OpenSearch 노드가 5분이 지나도 온전해지지 않았습니다. 뷰는 적은 문서를 거듭 덮어쓰는데 OpenSearch는 512 MB가 쌓여야 색인을 확정하므로, 아직 확정하지 않은 쓰기 15만~33만 건을 다시 했기 때문입니다. 이제 인덱스를 만들 때 `translog.flush_threshold_size`를 16 MB로
  둡니다. `views/src/opensearch/index.rs`에 있고, 실제 서버에서 도는 테스트가 설정을 다시 읽어 확인합니다.
- 시계를 속인 프로세스가 바로 죽었습니다. 시뮬레이터의 메모리 할당기가 워크스페이스의 기능 통합으로 `footfall`에까지 들어가 libfaketime과 부딪혔기 때문입니다. 이제 시뮬레이터의 릴리스 빌드만 켜는 `override-malloc` 기능이며, `.ci/dependency-direction.py`가 켜졌는지 살핍니다.
- 브로커나 저장소를 기다리며 시작하던 프로세서는 멈추라는 시그널에 그대로 죽어, 고장 난 것처럼 보였습니다. 이제 프로세스는 처음부터 시그널을 듣고 스스로 끝납니다. `footfall/src/stopping.rs`에 있고 테스트는 `footfall/tests/stopping.rs`입니다.""",
}

TRANSLATED = {
    "processor": "프로세서", "processor with a disk of its own": "전용 디스크를 쓰는 프로세서", "gateway": "게이트웨이", "api": "API", "brokers": "브로커", "redis": "Redis", "opensearch": "OpenSearch", "group": "컨슈머 그룹", "traffic": "트래픽",
    "killed": "강제 종료", "killed, its disk lost": "강제 종료와 디스크 유실", "stands still": "일시 정지", "restarted": "재시작", "a clock ten minutes off": "10분 어긋난 시계", "its disk is full": "디스크 가득 참",
    "a checkpoint is deleted": "체크포인트 삭제", "a checkpoint is cut short": "체크포인트 잘림", "older checkpoints are back": "옛 체크포인트로 되돌림",
    "one is killed": "하나 강제 종료", "one stands still": "하나 일시 정지", "one is restarted": "하나 재시작",
    "the primary is killed, its replicas cut off before": "복제본과 끊긴 뒤 프라이머리 강제 종료", "the primary stands still": "프라이머리 일시 정지", "a replica is killed": "복제본 강제 종료", "a sentinel is killed": "센티널 강제 종료",
    "the primary is restarted": "프라이머리 재시작", "split brain": "스플릿 브레인", "all are down for a minute": "1분 동안 모두 정지", "all is wiped": "전부 지워짐",
    "a node is killed": "노드 강제 종료", "a node stands still": "노드 일시 정지", "a node is restarted": "노드 재시작", "429 to every request": "모든 요청에 429", "429 and 503 for some documents": "일부 문서에 429와 503",
    "two owners of every partition": "모든 파티션의 이중 소유", "members come and go": "멤버가 들락날락", "one record in a hundred is bad": "백에 하나 불량 레코드", "every record is bad": "모두 불량 레코드",
}
