import Gateway
import HTTPTypes
import Hummingbird

/// `GET /livez` and `GET /readyz`, open to everybody.
///
/// The format is that of the Internet-Draft "Health Check Response Format for HTTP APIs" (draft-inadarei-api-health-check-06).
struct HealthEndpoints: Sendable {
    let gateway: TradingGateway
    let build: String

    /// The process answers; nothing else is looked at.
    func live(_ request: Request) throws -> Response {
        _ = try QueryParameters(request, known: ["verbose"]).flag("verbose")
        return response(.pass, checks: nil)
    }

    /// 503 if signals cannot be stored now; a sick broker is a warning, because its signals are still stored.
    ///
    /// - Parameter showsDetails: Texts may name hosts and files, so only readers see them.
    func ready(_ request: Request, showsDetails: Bool) async throws -> Response {
        let isVerbose = try QueryParameters(request, known: ["verbose"]).flag("verbose")
        let report = await gateway.readiness()
        guard isVerbose else { return response(report.status, checks: nil) }
        let checks = report.checks.map { check in
            var entry = JSONObject()
            entry.add("status", check.status.rawValue)
            if showsDetails { entry.add("output", check.detail) }
            return "\(check.name.jsonString):[\(entry.json)]"
        }
        return response(report.status, checks: "{\(checks.joined(separator: ","))}")
    }

    private func response(_ status: ReadinessReport.Status, checks: String?) -> Response {
        var body = JSONObject()
        body.add("status", status.rawValue)
        body.add("version", "1")
        body.add("releaseId", build)
        if let checks { body.add("checks", json: checks) }
        return Response(
            status: status == .fail ? .serviceUnavailable : .ok,
            headers: [.contentType: "application/health+json", .cacheControl: "no-store"],
            body: ResponseBody(byteBuffer: ByteBuffer(string: body.json)))
    }
}
