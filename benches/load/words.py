"""What the pages say, in both languages: the same keys, the same figures put in."""

ENGLISH = {
    "title": "# Load tests of the gateway",
    "other": "한국어: [README.ko.md](README.ko.md)",
    "made": "{date}, `{command}`, commit {commit}, Footfall's profile `{profile}`. {processor}, {cores} cores shared by all servers, processes and generators, {memory_gib} GiB, "
            "{system}; load before: {load_before:.1f}. {versions}. Made by [`benches/load.py`](../../benches/load.py) in {took_s} s from what was seen; figures as JSON: [result.json](result.json).",
    "changed": " and changes",
    "short": "**A short run, to see that everything works: its figures are no result.**",
    "busy": "**Something else ran on this machine meanwhile: up to {others:.1f} of {cores} cores on average in a run. Figures of time are no result.**",
    "how": "Two gateways, a processor and an API, on three brokers, Redis and OpenSearch, each a process of this machine. Generators keep their connections. "
           "In a rush a time counts from when the person was due, in steady traffic from the first sending until the answer that stays. Seats are read back from both gateways, and counted again from the log by "
           "[a program](../../schemas/python/recount_admissions.py) that shares with Footfall the messages alone. **The generators run on the same cores**: what k6 can send limits what is measured.",
    "warm": "Before anything is measured, {rate} people a second ask for {seconds} s: the brokers' virtual machines compile their code while they are first used, and take most of the processors meanwhile.",
    "rates": "## What an answer takes, by rate",
    "rates_how": "So many people within one second, each due at a moment of it (`benches stampede`, 256 connections, two gateways). The median of {rushes} rushes, and from the least to the greatest. "
                 "µs: time of all cores for each request, by gateways, brokers and the generator; two cores together have 200 µs for each of 10,000 a second.",
    "admitted_how": "Through the log: there is a seat for everyone. *Append*: from the gateway's call to the log until two brokers have the record. *Read back*: from then until it is folded.",
    "admitted_head": ["a second", "p50 ms", "p99 ms", "append p50 ≤ ms", "append p99 ≤ ms", "read back within 1 ms, %", "µs gateways", "µs brokers", "µs generator"],
    "sold_out_how": "From memory: there is no seat.",
    "sold_out_head": ["a second", "p50 ms", "p99 ms", "decided by the gateway within 1 ms, %", "µs gateways", "µs brokers", "µs generator"],
    "aims_head": ["aimed at", "seen", "reached"],
    "aims": {
        "log": ("through the log, p99 at most 50 ms at {rate} a second", "{median} ms ({least}–{greatest})"),
        "memory": ("from memory, p99 below 1 ms in the gateway", "{least} % within 1 ms at the worst of the rates"),
        "read_back": ("read back at most 1 ms after the acknowledgement, p50", "up to {rate} a second; {least} % within 1 ms at the worst of the rates"),
    },
    "beside": "## Events beside a rush",
    "beside_how": "The steady traffic below, {rate} requests a second for {seconds} s, while so many people a second ask for seats at the same gateways, and the log decides each. "
                  "No event was refused or dropped unless the faults at the end say so; what grows is the wait for the two cores.",
    "beside_head": ["ask for seats a second", "one event: p50 ms", "p99 ms", "twenty events: p50 ms", "p99 ms", "a seat: p50 ms", "p99 ms", "tries again"],
    "ceilings": "## The highest rate that drops nothing",
    "ceilings_how": "So many a second for {seconds} s, at a fixed rate: who finds none of k6's virtual users free is dropped. A rate passes when k6 dropped no one, each answer was one of the defined, and "
                    "both gateways say that every seat is held. *Sold out*: people ask for 100 seats ([`spike.js`](../../benches/k6/spike.js), `MODE=arrival`, {vus} virtual users), so that most are refused from memory. "
                    "*Admitted*: there are seats for nine in ten, so that the log decides nearly all. *Mixed*: the steady traffic below. Each rate was tried once.",
    "what": {"sold_out": "Sold out", "admitted": "Admitted", "mixed": "Mixed"},
    "ceiling_head": ["a second", "dropped", "p50 ms", "p99 ms", "passed"],
    "highest": "**{what}: {highest} a second** is the highest that passed.",
    "none_passed": "**{what}: none passed.**",
    "spike": "## A rush: {people} people within a second, {seats} seats",
    "spike_how": "[`spike.js`](../../benches/k6/spike.js): each is due at a moment of the second in which the activity opens. `sent_after_due` is how late k6 itself was: it has few virtual users, so that "
                 "who is due waits for a free one, and that wait is in the times. [k6's report](spike.html).",
    "stampede": "## The same rush by a generator in Rust",
    "stampede_how": "`benches stampede`, 256 connections; {seats} seats. Each person's answer is held against the log, receipt by receipt, and fifty are asked again at both gateways.",
    "sustained": "## Steady traffic: {rate} requests a second for {seconds} s",
    "sustained_how": "[`sustained.js`](../../benches/k6/sustained.js): 40 % one event, 10 % twenty events, 30 % seats asked for, looked up and given back, 10 % reads of an activity, 10 % reads of the API's numbers from Redis and "
                     "OpenSearch. At the end people ask until the last of {seats} seats is taken. [k6's report](sustained.html).",
    "times_head": ["time", "count", "p50 ms", "p90 ms", "p99 ms", "greatest ms"],
    "counts": "Counted: {counts}. The log: {admitted} admitted, {held} of {capacity} seats held.",
    "routes_how": "The gateways' own histograms beside what the client saw of the same requests, from sending to the answer; a server's time is the bound of a bucket, and lies at or below it:",
    "routes_head": ["route", "requests", "server p50 ≤ ms", "server p90 ≤ ms", "server p99 ≤ ms", "client p50 ms", "client p90 ms", "client p99 ms"],
    "processes_head": ["process", "cores, mean", "cores, greatest in 0.25 s", "memory, greatest MiB", "open descriptors, most"],
    "others": "(others)",
    "plot": "Cores, memory and open descriptors over time",
    "thresholds": "## Thresholds, and that they can fail",
    "thresholds_how": "Those of the two runs above:",
    "thresholds_head": ["run", "threshold", "held"],
    "spoiled_how": "Each was made to fail by a run that does one thing wrong on purpose (`SPOIL`, or too few people); k6 then ends with 99. The recount is made to judge by too few seats:",
    "spoiled_head": ["script", "done wrong", "must fail", "failed"],
    "stores": "## The stores",
    "stores_how": "Afterwards `footfall verify` holds both stores against the log. {accepted} events were accepted and {admitted} people admitted, and each is there once:",
    "stores_head": ["store", "records", "applied", "duplicate", "late", "dead-lettered", "cells compared", "differ"],
    "faults": "**Faults:** {faults}",
    "none": "none", "yes": "yes", "no": "no",
    "counted": {
        "http_reqs": "requests", "iterations": "iterations", "dropped_iterations": "dropped", "undefined_answers": "answers not defined", "tries_again": "tries again",
        "told_yes": "told yes", "overbooked": "seats too many", "events_accepted": "events accepted",
    },
}

KOREAN = {
    "title": "# 게이트웨이 부하 시험",
    "other": "English: [README.md](README.md)",
    "made": "{date}, `{command}`, 커밋 {commit}, Footfall 프로필 `{profile}`. {processor}, 모든 서버·프로세스·부하 생성기가 함께 쓰는 코어 {cores}개, {memory_gib} GiB, "
            "{system}; 시작 전 부하(load average): {load_before:.1f}. {versions}. [`benches/load.py`](../../benches/load.py)가 {took_s}초 동안 실행하고 관측한 값으로 만든 문서이며, 수치 원본은 [result.json](result.json)이다.",
    "changed": "(이후 변경 있음)",
    "short": "**모든 것이 동작하는지 보기 위한 짧은 실행이며, 이 수치는 결과가 아니다.**",
    "busy": "**그동안 이 기계에서 다른 것이 돌았다: 한 실행의 평균으로 코어 {cores}개 중 최대 {others:.1f}개. 시간 수치는 결과가 아니다.**",
    "how": "게이트웨이 두 개, 프로세서와 API를 브로커 세 개, Redis, OpenSearch 위에서 돌리며, 각각 이 기계의 프로세스 하나다. 부하 생성기는 연결을 유지한다. "
           "몰림에서는 그 사람이 요청해야 했던 시각부터, 꾸준한 부하에서는 처음 보낸 때부터 최종 답을 받을 때까지 시간을 잰다. 좌석 수는 두 게이트웨이에서 다시 읽고, 메시지 정의만 Footfall과 공유하는 "
           "[프로그램](../../schemas/python/recount_admissions.py)이 로그에서 다시 센다. **부하 생성기도 같은 코어에서 돈다**: k6가 보낼 수 있는 만큼이 측정의 한계다.",
    "warm": "측정에 앞서 초당 {rate}명이 {seconds}초 동안 신청한다. 브로커의 가상 머신은 처음 쓰이는 동안 코드를 컴파일하며, 그동안 프로세서 대부분을 차지하기 때문이다.",
    "rates": "## 속도별 응답 시간",
    "rates_how": "1초 안에 이만큼의 사람이 저마다 정해진 순간에 신청한다(`benches stampede`, 연결 256개, 게이트웨이 두 개). {rushes}번 몰림의 중앙값이며, 괄호 안은 최소와 최대다. "
                 "µs: 요청 하나에 든 모든 코어의 시간을 게이트웨이·브로커·생성기로 나눈 것. 초당 10,000건이면 코어 두 개를 합쳐 요청 하나에 200 µs가 있다.",
    "admitted_how": "로그를 거치는 경우: 모두에게 좌석이 있다. *추가*는 게이트웨이가 로그를 부를 때부터 브로커 둘이 레코드를 가질 때까지, *다시 읽기*는 그때부터 폴드될 때까지다.",
    "admitted_head": ["초당", "p50 ms", "p99 ms", "추가 p50 ≤ ms", "추가 p99 ≤ ms", "1 ms 안에 다시 읽음, %", "µs 게이트웨이", "µs 브로커", "µs 생성기"],
    "sold_out_how": "메모리에서 답하는 경우: 좌석이 없다.",
    "sold_out_head": ["초당", "p50 ms", "p99 ms", "게이트웨이가 1 ms 안에 결정, %", "µs 게이트웨이", "µs 브로커", "µs 생성기"],
    "aims_head": ["목표", "관측", "달성"],
    "aims": {
        "log": ("로그를 거쳐 p99 50 ms 이하, 초당 {rate}건에서", "{median} ms ({least}–{greatest})"),
        "memory": ("메모리에서 답할 때 p99 1 ms 미만, 게이트웨이 안에서", "가장 나쁜 속도에서 {least} %가 1 ms 안"),
        "read_back": ("승인 뒤 다시 읽기까지 1 ms 이하, p50", "초당 {rate}건까지; 가장 나쁜 속도에서 {least} %가 1 ms 안"),
    },
    "beside": "## 몰림 곁의 이벤트",
    "beside_how": "아래의 꾸준한 부하(초당 요청 {rate}개, {seconds}초)를 보내는 동안 같은 게이트웨이들에서 초당 이만큼의 사람이 좌석을 신청하고, 모두 로그가 결정한다. "
                  "맨 끝의 결함에 적혀 있지 않은 한 거절되거나 버려진 이벤트는 없다. 늘어나는 것은 코어 두 개를 기다리는 시간이다.",
    "beside_head": ["초당 좌석 신청", "이벤트 하나: p50 ms", "p99 ms", "이벤트 스무 개: p50 ms", "p99 ms", "좌석: p50 ms", "p99 ms", "재시도"],
    "ceilings": "## 하나도 버리지 않는 가장 높은 속도",
    "ceilings_how": "고정된 속도로 매초 이만큼씩 {seconds}초 동안 보낸다. k6의 빈 가상 사용자를 찾지 못한 사람은 버려진다. k6가 아무도 버리지 않았고, 모든 응답이 정의된 것이며, "
                    "두 게이트웨이 모두 모든 좌석이 찼다고 답하면 통과다. *매진*: 좌석 100개를 두고 신청하므로([`spike.js`](../../benches/k6/spike.js), `MODE=arrival`, 가상 사용자 {vus}) 대부분 메모리에서 거절한다. "
                    "*입장*: 열 명 중 아홉의 좌석이 있어 거의 모두 로그가 결정한다. *혼합*: 아래의 꾸준한 부하와 같은 요청이다. 각 속도는 한 번씩 시도했다.",
    "what": {"sold_out": "매진", "admitted": "입장", "mixed": "혼합"},
    "ceiling_head": ["초당", "버려짐", "p50 ms", "p99 ms", "통과"],
    "highest": "**{what}: 초당 {highest}건**이 통과한 가장 높은 속도다.",
    "none_passed": "**{what}: 통과한 속도가 없다.**",
    "spike": "## 몰림: 1초 안에 {people}명, 좌석 {seats}개",
    "spike_how": "[`spike.js`](../../benches/k6/spike.js): 각 사람은 활동이 열리는 그 1초 안의 정해진 순간에 요청해야 한다. `sent_after_due`는 k6 자신이 얼마나 늦었는지다. 가상 사용자가 적어서 "
                 "차례가 된 사람이 빈 사용자를 기다리며, 그 기다림도 시간에 들어 있다. [k6 보고서](spike.html).",
    "stampede": "## Rust 생성기로 만든 같은 몰림",
    "stampede_how": "`benches stampede`, 연결 256개, 좌석 {seats}개. 각 사람이 받은 답을 영수증 하나하나 로그와 대조하고, 쉰 명은 두 게이트웨이에 다시 물어본다.",
    "sustained": "## 꾸준한 부하: 초당 요청 {rate}개, {seconds}초",
    "sustained_how": "[`sustained.js`](../../benches/k6/sustained.js): 40 % 이벤트 하나, 10 % 이벤트 스무 개, 30 % 좌석 신청·조회·반납, 10 % 활동 읽기, 10 % Redis와 OpenSearch에서 "
                     "API로 수치 읽기. 끝에는 좌석 {seats}개가 다 찰 때까지 신청한다. [k6 보고서](sustained.html).",
    "times_head": ["시간", "개수", "p50 ms", "p90 ms", "p99 ms", "최대 ms"],
    "counts": "센 것: {counts}. 로그: 입장 {admitted}, 좌석 {capacity}개 중 {held}개 참.",
    "routes_how": "게이트웨이 자신의 히스토그램과, 같은 요청을 보내고 답을 받을 때까지 클라이언트가 본 시간. 서버 시간은 구간의 경계이며 실제 값은 그 이하다:",
    "routes_head": ["경로", "요청", "서버 p50 ≤ ms", "서버 p90 ≤ ms", "서버 p99 ≤ ms", "클라이언트 p50 ms", "클라이언트 p90 ms", "클라이언트 p99 ms"],
    "processes_head": ["프로세스", "코어, 평균", "코어, 0.25초 최대", "메모리, 최대 MiB", "열린 디스크립터, 최대"],
    "others": "(그 밖)",
    "plot": "시간에 따른 코어, 메모리, 열린 디스크립터",
    "thresholds": "## 임계값, 그리고 실패할 수 있음",
    "thresholds_how": "위 두 실행의 임계값:",
    "thresholds_head": ["실행", "임계값", "지켜짐"],
    "spoiled_how": "일부러 한 가지를 틀리게 한 실행(`SPOIL`, 또는 너무 적은 사람)으로 각각을 실패시켰다. 이때 k6는 99로 끝난다. 다시 세기는 더 적은 좌석을 기준으로 판정하게 했다:",
    "spoiled_head": ["스크립트", "틀리게 한 것", "실패해야 할 것", "실패한 것"],
    "stores": "## 저장소",
    "stores_how": "그 뒤 `footfall verify`로 두 저장소를 로그와 대조한다. 받아들인 이벤트 {accepted}개와 입장한 {admitted}명이 각각 정확히 한 번씩 있다:",
    "stores_head": ["저장소", "레코드", "적용", "중복", "늦음", "데드레터", "비교한 셀", "다름"],
    "faults": "**결함:** {faults}",
    "none": "없음", "yes": "예", "no": "아니요",
    "counted": {
        "http_reqs": "요청", "iterations": "반복", "dropped_iterations": "버려짐", "undefined_answers": "정의되지 않은 응답", "tries_again": "재시도",
        "told_yes": "입장 응답", "overbooked": "초과 좌석", "events_accepted": "받아들인 이벤트",
    },
}
