import Foundation
import Gateway
import OrderFlow
import TradingModel

/// Sends the plan's signals, repeats what is not answered with yes, and asks for cancels.
///
/// Unchecked for the same reason as ``Scheduler``.
final class Sender: @unchecked Sendable {
    private unowned let world: World
    /// Of each signal, the id under which it was accepted.
    private(set) var accepted: [Int: String] = [:]
    private var tries = 0
    private static let answerLimit: Int64 = 2_000_000

    init(_ world: World) { self.world = world }

    var isDone: Bool { accepted.count == world.plan.signals.count }

    func arrange() {
        for (number, signal) in world.plan.signals.enumerated() {
            for copy in signal.copies {
                world.scheduler.after((signal.at + copy.after) * 1000) { [self] in post(number, to: copy.gateway) }
            }
        }
    }

    private func post(_ number: Int, to gateway: Int) {
        let slot = world.slots[gateway % world.slots.count]
        guard let process = slot.process, let target = slot.gateway else { return again(number, after: gateway, in: 300_000) }
        tries += 1
        let request = HookRequest(
            source: "tv", pathSecret: nil, headers: [:], body: body(number), peerAddress: "203.0.113.7", requestID: "r\(tries)", traceparent: nil)
        let answered = Flag()
        world.run(on: process) { [self] in
            let answer = await target.receive(request)
            guard !process.isDead, !answered.isSet else { return }
            answered.isSet = true
            if answer.status == 200 || answer.status == 202 { took(number, answer) } else { again(number, after: gateway, in: 500_000) }
        }
        world.scheduler.after(Self.answerLimit) { [self] in
            guard !answered.isSet else { return }
            // No answer in time, or the connection ended: sent again, to the next one.
            answered.isSet = true
            again(number, after: gateway, in: 0)
        }
    }

    private func again(_ number: Int, after gateway: Int, in delay: Int64) {
        guard accepted[number] == nil, world.checker.violation == nil else { return }
        world.scheduler.after(delay) { [self] in if accepted[number] == nil { post(number, to: gateway + 1) } }
    }

    private func body(_ number: Int) -> [UInt8] {
        let signal = world.plan.signals[number]
        let quantity = "0.0\(signal.hundredths)"
        let limit = signal.isLimit ? #","type":"limit","limit_price":"99""# : ""
        return Array(
            #"{"v":1,"strategy":"s","symbol":"\#(World.symbols[signal.symbol])","action":"\#(signal.buys ? "buy" : "sell")","quantity":"\#(quantity)","alert_id":"k\#(number)"\#(limit)}"#
                .utf8)
    }

    private func took(_ number: Int, _ answer: HookAnswer) {
        guard let id = answer.headers["Location"]?.split(separator: "/").last.map(String.init) else { return }
        world.checker.answered(number, id, earlier: accepted[number])
        guard accepted[number] == nil else { return }
        accepted[number] = id
        world.scheduler.note("accepted \(number)")
        guard let delay = world.plan.signals[number].cancelAfter else { return }
        world.scheduler.after(delay * 1000) { [self] in cancel(SignalID(id), 0) }
    }

    /// A person asks for the cancel at whichever gateway answers.
    private func cancel(_ signal: SignalID, _ round: Int) {
        guard round < 6, let slot = world.slots.first(where: { $0.process != nil && $0.number >= round % world.slots.count }), let process = slot.process,
            let gateway = slot.gateway
        else { return }
        for venue in world.venues {
            guard let order = world.database.read({ state, _ in state.orders.first { $0.signalID == signal && $0.account == venue.account } }), !order.state.isTerminal
            else { continue }
            world.run(on: process) { [self] in
                let outcome = try? await gateway.cancel(order.id, by: "ada")
                switch outcome {
                case .notSent, nil: world.scheduler.after(700_000) { [self] in cancel(signal, round + 1) }
                default: break
                }
            }
        }
    }
}

/// Unchecked for the same reason as ``Scheduler``.
private final class Flag: @unchecked Sendable { var isSet = false }
