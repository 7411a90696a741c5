/// The faults that every command and every query meets, by name.
struct FaultCatalogue {
    struct Entry: Sendable {
        let name: String
        let title: String
        let fault: @Sendable (VenueProfile) -> WireFault
        /// Whether the adapter has to give up by its own time-out.
        var needsPatience = false
        /// Whether the venue's true reply arrives in the end.
        var endsWell = false
    }

    static let requests: [Entry] = cuts + hangs
    /// Those that say something of their own under TLS.
    static let underTLS: [Entry] = cuts.filter { ["cut-request-first-byte", "cut-request-middle", "cut-after-request", "cut-reply-body"].contains($0.name) }
    /// Those by which commands differ that are sent by the same means as a placement.
    static let essentials: [Entry] = (requests + replies).filter { essentialNames.contains($0.name) }
    private static let essentialNames: Set<String> = [
        "cut-request-middle", "cut-after-request", "reset-after-request", "cut-reply-body", "hang-after", "status-503-before", "status-500-after",
        "unlisted-400", "redirect-307", "garbage-before", "empty-object", "slow",
    ]
    static let replies: [Entry] = statuses + refusals + bodies + [slow]

    private static func plain(_ name: String, _ title: String, _ fault: WireFault, needsPatience: Bool = false) -> Entry {
        Entry(name: name, title: title, fault: { _ in fault }, needsPatience: needsPatience)
    }

    private static let cuts: [Entry] = [
        plain("cut-request-first-byte", "is cut after one byte of the request", .cutRequest(.bytes(1))),
        plain("cut-request-line", "is cut inside the request line", .cutRequest(.bytes(20))),
        plain("cut-request-middle", "is cut in the middle of the request", .cutRequest(.percent(50))),
        plain("cut-request-last-byte", "is cut before the last byte of the request", .cutRequest(.beforeEnd(1))),
        plain("cut-after-request", "is cut after the request", .cutAfterRequest(withReset: false)),
        plain("reset-after-request", "is reset after the request", .cutAfterRequest(withReset: true)),
        plain("cut-reply-first-byte", "is cut after one byte of the reply", .cutReply(.bytes(1))),
        plain("cut-reply-head", "is cut inside the reply's head", .cutReply(.bytes(40))),
        plain("cut-reply-body", "is cut inside the reply's body", .cutReply(.percent(75))),
        plain("cut-reply-last-byte", "is cut before the last byte of the reply", .cutReply(.beforeEnd(1))),
    ]

    private static let hangs: [Entry] = [
        plain("hang-before", "hangs before the venue has the request", .hang(delivered: false), needsPatience: true),
        plain("hang-after", "hangs although the venue did its work", .hang(delivered: true), needsPatience: true),
    ]

    private static let html = "<html><head><title>Error</title></head><body>upstream</body></html>"

    private static let statuses: [Entry] = [
        status(503, delivered: false), status(502, delivered: false), status(500, delivered: true), status(504, delivered: true),
    ]

    private static func status(_ status: Int, delivered: Bool) -> Entry {
        plain(
            "status-\(status)-\(delivered ? "after" : "before")", "gets \(status) \(delivered ? "although the venue did its work" : "from a balancer")",
            .answer(CannedReply(status, html, contentType: "text/html"), delivered: delivered))
    }

    /// Statuses whose body is on nobody's list, and redirects that would repeat the request.
    private static let refusals: [Entry] =
        [400, 409, 422].map { status in
            Entry(
                name: "unlisted-\(status)", title: "gets \(status) with a code that is on no list",
                fault: { .answer(CannedReply(status, $0.unlistedRefusalBody), delivered: true) })
        } + [
            plain(
                "redirect-307", "gets a redirect",
                .answer(CannedReply(307, "", headers: ["Location": "http://127.0.0.1:9/elsewhere"]), delivered: true))
        ]

    private static let bodies: [Entry] = [
        plain("garbage", "gets 200 with bytes that are no JSON", .answer(CannedReply(200, "{\"\u{1}id\":70,,<"), delivered: true)),
        plain("garbage-before", "gets 200 with garbage although the venue never had it", .answer(CannedReply(200, "]]}"), delivered: false)),
        plain("empty-body", "gets 200 with nothing in it", .answer(CannedReply(200, ""), delivered: true)),
        plain("empty-object", "gets 200 with an empty object", .answer(CannedReply(200, "{}"), delivered: true)),
        plain("short-body", "gets less than Content-Length says", .answer(CannedReply(200, "{\"a\":", claimedLength: 400), delivered: true)),
        plain("wrong-type", "gets 200 with a page of HTML", .answer(CannedReply(200, html, contentType: "text/html"), delivered: true)),
        plain("giant", "gets 6 MB", .answer(CannedReply(200, "[" + String(repeating: "{\"a\":1},", count: 800_000) + "{}]"), delivered: true)),
    ]

    private static let slow = Entry(
        name: "slow", title: "gets its reply in 12 slow pieces", fault: { _ in .trickle(pieces: 12, every: .milliseconds(25)) }, endsWell: true)
}
