import Gateway
import PluginSettings

/// `tracking: { immediate_interval, immediate_checks, monitor_interval, monitor_period, background_interval, stale_market_order,
/// reconcile_interval, deep_reconcile_interval }`
struct TrackingSection {
    let settings: TrackingSettings

    init(_ root: SettingsReader) {
        settings = root.block("tracking") { tracking in
            var settings = TrackingSettings()
            settings.immediateInterval = tracking.duration(
                "immediate_interval", default: settings.immediateInterval, in: .milliseconds(100) ... .seconds(60))
            settings.immediateChecks = tracking.integer("immediate_checks", default: settings.immediateChecks, in: 1...1000)
            settings.monitorInterval = tracking.duration(
                "monitor_interval", default: settings.monitorInterval, in: .milliseconds(250) ... .seconds(300))
            settings.monitorPeriod = tracking.duration("monitor_period", default: settings.monitorPeriod, in: .seconds(1) ... .seconds(86400))
            settings.backgroundInterval = tracking.duration(
                "background_interval", default: settings.backgroundInterval, in: .seconds(1) ... .seconds(3600))
            settings.staleMarketOrder = tracking.duration(
                "stale_market_order", default: settings.staleMarketOrder, in: .seconds(1) ... .seconds(3600))
            settings.reconcileInterval = tracking.duration(
                "reconcile_interval", default: settings.reconcileInterval, in: .seconds(1) ... .seconds(3600))
            settings.deepReconcileInterval = tracking.duration(
                "deep_reconcile_interval", default: max(settings.deepReconcileInterval, settings.reconcileInterval), in: .seconds(1) ... .seconds(86400))
            if settings.deepReconcileInterval < settings.reconcileInterval {
                tracking.problem(
                    "\(tracking.path).deep_reconcile_interval must not be shorter than reconcile_interval", at: tracking.position(of: "deep_reconcile_interval"))
            }
            return settings
        }
    }
}
