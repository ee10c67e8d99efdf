namespace CellOS.Export.S3.Core

open System
open System.Collections.Generic
open System.Text.RegularExpressions

/// The settings of a host's configuration, below the variables.
///
/// Rules that this module keeps:
/// - a variable that is set counts more than the key of the same setting;
/// - a variable that gives a target a source of URLs counts more than all keys that give it one;
/// - the token of a place that is not used is sent to no other;
/// - what is said of a setting names the key that gave it.
[<RequireQualifiedAccess>]
module internal SpecSettings =

    let private ownSources = [
        Variable.PresignedUrl
        Variable.PresignedUrlsFile
        Variable.BrokerUrl
        Variable.UrlCommand
    ]

    let private sharedSources = [ Variable.SharedBrokerUrl; Variable.SharedUrlCommand ]

    /// The variables that override a setting besides its own: those of the same source of URLs, and for a token those of the
    /// place that it would be sent to.
    let private rivals: (string * string list) list = [
        for source in ownSources do
            source, ownSources

        Variable.BrokerTokenFile, ownSources

        for source in sharedSources do
            source, sharedSources

        Variable.SharedBrokerTokenFile, sharedSources
        Variable.HttpToken, [ Variable.LegacyUrl ]
    ]

    let private overriding (setting: SpecSetting) : string list =
        let suffix =
            match setting.Target with
            | Some target -> TargetName.envSuffix target
            | None -> ""

        setting.Variable
        :: [
            for stem, others in rivals do
                if stem + suffix = setting.Variable then
                    for other in others do
                        other + suffix
        ]

    /// The settings that hold: those that no variable overrides.
    let effective (lookup: string -> string option) (settings: SpecSetting list) : SpecSetting list =
        settings
        |> List.filter (fun setting ->
            overriding setting
            |> List.forall (fun variable -> (EnvironmentReader.tryRead lookup variable).IsNone))

    /// The look-up of variables with these settings below them.
    let over (settings: SpecSetting list) (lookup: string -> string option) : string -> string option =
        match settings with
        | [] -> lookup
        | settings ->
            let given = Dictionary<string, string>(StringComparer.Ordinal)

            for setting in settings do
                given[setting.Variable] <- setting.Value

            fun variable ->
                match EnvironmentReader.tryRead lookup variable, given.TryGetValue variable with
                | None, (true, value) -> Some value
                | _ -> lookup variable

    /// The variables of some settings, with their keys.
    let keys (settings: SpecSetting list) : Map<string, string> =
        Map.ofList [ for setting in settings -> setting.Variable, setting.Key ]

    let private name (keys: Map<string, string>) (variable: string) =
        keys |> Map.tryFind variable |> Option.defaultValue variable

    /// A sentence with keys in place of the variables that they stand for.
    let private text (keys: Map<string, string>) (value: string) =
        Regex.Replace(
            value,
            @"(?>CELLOS_[A-Z0-9_]+)",
            (fun (found: Match) ->
                match Map.tryFind found.Value keys with
                | Some key -> $"'{key}'"
                | None -> found.Value),
            RegexOptions.CultureInvariant
        )

    let private finding keys (finding: Finding) = {
        finding with
            Variable = name keys finding.Variable
            What = text keys finding.What
            Remedy = text keys finding.Remedy
    }

    /// A problem, with the keys of the configuration in place of variables.
    let problem (keys: Map<string, string>) (problem: ConfigProblem) : ConfigProblem =
        if keys.IsEmpty then
            problem
        else
            {
                problem with
                    Variable = problem.Variable |> Option.map (name keys)
                    Text = text keys problem.Text
            }

    let private value (keys: Map<string, string>) (value: EffectiveValue) =
        match value.Origin with
        | Origin.Variable variable when keys.ContainsKey variable -> { value with Origin = Origin.Spec }
        | _ -> value

    /// The resolution, with the keys of the configuration in place of variables.
    let named (resolution: Resolution) : Resolution =
        let keys = resolution.SpecKeys

        if keys.IsEmpty then
            resolution
        else
            {
                resolution with
                    Targets = [
                        for report in resolution.Targets ->
                            {
                                report with
                                    TargetReport.Values = List.map (value keys) report.Values
                            }
                    ]
                    Plain = [
                        for report in resolution.Plain ->
                            {
                                report with
                                    PlainReport.Values = List.map (value keys) report.Values
                            }
                    ]
                    Globals = List.map (value keys) resolution.Globals
                    Findings = List.map (finding keys) resolution.Findings
                    Problems = List.map (problem keys) resolution.Problems
            }
