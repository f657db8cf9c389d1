"""What the page of single failures says, in both languages."""

ENGLISH = {
    "title": "# One thing is killed, and nothing else",
    "other": "한국어: [single-failures.ko.md](single-failures.ko.md)",
    "made": "What *no single point of failure* means here. {date}, `make drill-each`, commit {commit}, profile `ci`; {cores} cores and {memory_gib} GiB shared by three brokers, Redis (a primary, two replicas, three sentinels), "
            "three nodes of OpenSearch, three processors, two gateways, two APIs and all clients; {rate} events a second, five more over HTTP, eight people a second who ask for seats, two reads a second. "
            "Each is killed by `kill -9`, alone, and started again {gone:.0f} s later; Redis' primary is cut off from its replicas {cut} s before, and comes back as soon as another has taken its place.",
    "head": ["killed", "times", "longest wait for a seat, s", "for an event's acknowledgement, s", "without a read, s", "oldest view, s", "lost"],
    "rows": {
        "nothing": "nothing: the time before", "redis": "**Redis' primary → a replica is promoted**", "replica": "a replica of Redis", "sentinel": "a sentinel", "broker": "**a broker** (each of the three)", "opensearch": "a node of OpenSearch",
        "processor": "a processor", "disk": "a processor, and its disk with it", "gateway": "a gateway", "api": "an API",
    },
    "nothing": "nothing", "see": "see below",
    "facts": [
        "*Wait*: from the first try until an answer that stays, of whoever waited longest; who is not answered within 5 s tries the other gateway. *Oldest view*: the greatest age of the newest record in a partition's image in Redis. A processor's partitions "
        "go to others when its session of 8 s is over; a broker's leaderships, when the controller has missed it for 6 s.",
        "Redis' primary killed: after {fresh} s every partition's image held records that came after the kill; the log was not read again: {again} records were delivered twice meanwhile",
        "lost: {events} acknowledged events and {records} records in all are in the log and counted once; {admitted} of {people} people were told that they have a seat, and have it; {cells} cells of Redis and OpenSearch equal the independent fold, but for {differ}; "
        "{images} images of Redis while it happened, {wrong} of them wrong",
    ],
    "violations": "**Violations:** {found}",
    "none": "none",
}

KOREAN = {
    "title": "# 하나만 강제 종료했을 때",
    "other": "English: [single-failures.md](single-failures.md)",
    "made": "여기서 *단일 장애점이 없다*는 말의 뜻입니다. {date}, `make drill-each`, 커밋 {commit}, 프로필 `ci`. 브로커 셋, Redis(프라이머리 하나, 복제본 둘, 센티널 셋), OpenSearch 노드 셋, 프로세서 셋, 게이트웨이 둘, API 둘과 모든 클라이언트가 코어 {cores}개와 메모리 {memory_gib} GiB를 "
            "나누어 썼습니다. 초당 이벤트 {rate}개, HTTP로 5개 더, 자리를 신청하는 사람 8명, 조회 2번. 하나씩 `kill -9`로 죽이고 {gone:.0f}초 뒤에 다시 시작합니다. Redis 프라이머리는 {cut}초 전에 복제본과 끊고, 다른 서버가 자리를 이어받으면 곧바로 다시 시작합니다.",
    "head": ["강제 종료한 것", "횟수", "자리 답변까지 최대 대기, 초", "이벤트 응답까지, 초", "조회 없이, 초", "가장 오래된 뷰, 초", "잃은 것"],
    "rows": {
        "nothing": "없음: 시작 전", "redis": "**Redis 프라이머리 → 복제본 승격**", "replica": "Redis 복제본", "sentinel": "센티널", "broker": "**브로커** (셋을 차례로)", "opensearch": "OpenSearch 노드",
        "processor": "프로세서", "disk": "프로세서와 그 디스크", "gateway": "게이트웨이", "api": "API",
    },
    "nothing": "없음", "see": "아래 참고",
    "facts": [
        "*대기*: 첫 시도부터 바뀌지 않을 답을 받을 때까지, 가장 오래 기다린 사람의 시간입니다. 5초 안에 답이 없으면 다른 게이트웨이에 묻습니다. *가장 오래된 뷰*: Redis의 파티션 이미지에서 가장 새로운 레코드의 최대 나이입니다. 프로세서의 파티션은 8초 세션이 끝나면, 브로커의 리더 자리는 "
        "컨트롤러가 6초 동안 소식을 듣지 못하면 다른 곳으로 갑니다.",
        "Redis 프라이머리 강제 종료: {fresh}초 뒤에 모든 파티션의 이미지가 그 뒤에 들어온 레코드를 담았습니다. 로그를 다시 읽지 않았습니다: 그동안 두 번 전달된 레코드 {again}개",
        "잃은 것: 응답받은 이벤트 {events}개와 모든 레코드 {records}개가 로그에 있고 한 번씩 집계되었습니다. {people}명 가운데 {admitted}명이 자리를 얻었다고 들었고 실제로 얻었습니다. Redis와 OpenSearch의 셀 {cells}개가 {differ}개를 빼고 독립된 폴드와 같습니다. 그동안 읽은 Redis 이미지 {images}개 중 "
        "틀린 것은 {wrong}개입니다",
    ],
    "violations": "**위반:** {found}",
    "none": "없음",
}
