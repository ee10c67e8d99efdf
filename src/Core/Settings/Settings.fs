namespace CellOS.Export.S3.Core

open System
open System.Collections.Generic
open FsToolkit.ErrorHandling

/// From a spec and an environment to the settings of every target.
///
/// Rules that this module keeps:
/// - it is total; all problems of all targets are reported at once, each with its variable;
/// - what is no number or no choice falls back to its default, with a warning;
/// - the order of the variables does not matter, and no text holds a secret.
[<RequireQualifiedAccess>]
module Settings =

    /// A time in milliseconds from a variable: 1 to 2,147,483,647. What is unset, blank, no whole number or out
    /// of range gives the default.
    [<CompiledName("ResolveTimeoutMs")>]
    let resolveTimeoutMs (lookup: string -> string option) (variable: string) (defaultMs: int) : int =
        EnvironmentReader.tryRead lookup variable
        |> Option.bind (EnvironmentReader.wholeNumber 1L SharedSettings.longestTimeout)
        |> Option.map int
        |> Option.defaultValue defaultMs

    /// Artifacts of one target whose names differ by case only.
    let private caseTwins (target: TargetName) (names: ArtifactName list) : Finding list =
        match names with
        | []
        | [ _ ] -> []
        | names ->
            let seen = Dictionary<string, string>(StringComparer.OrdinalIgnoreCase)

            let twins = [
                for name in names do
                    let name = ArtifactName.value name

                    match seen.TryGetValue name with
                    | true, first when first <> name -> first, name
                    | _ -> seen[name] <- name
            ]

            match twins with
            | [] -> []
            | (first, second) :: more -> [
                UrlFindings.caseTwins (Some target) "artifacts" first second more.Length
              ]

    /// The settings of every S3 target of the spec.
    [<CompiledName("Resolve")>]
    let resolve (context: SettingsContext) (spec: CellSpec) : Resolution =
        let fromSpec = SpecSettings.effective context.Lookup spec.Settings

        let context = {
            context with
                Lookup = SpecSettings.over fromSpec context.Lookup
        }

        let shared = SharedSettings.read context.Lookup

        let strict =
            EnvironmentReader.cautiousFlag context.Lookup None "strict" Variable.Strict "0"

        let bundle, bundleProblems = FileSettings.caBundle context.Lookup
        let proxies = ProxyRules.read context.Lookup

        let artifacts =
            Dictionary<string, ResizeArray<ArtifactName>>(StringComparer.Ordinal)

        for target in spec.Targets do
            artifacts[TargetName.value target.Name] <- ResizeArray()

        for artifact in spec.Artifacts @ spec.OtherShards do
            match artifacts.TryGetValue(TargetName.value artifact.Target) with
            | true, names -> names.Add artifact.Name
            | _ -> ()

        let resolved = [
            for item in spec.Targets do
                let names = [ for name in artifacts[TargetName.value item.Name] -> name ]
                TargetReader.read context shared names item
        ]

        let plain = [
            for item in spec.PlainTargets do
                yield PlainReader.read context.Lookup (Some item.Name) item.Kind

            match spec.Fallback with
            | Some kind -> yield PlainReader.read context.Lookup None kind
            | None -> ()
        ]

        let servesAll = spec.Serving <> Serving.S3Only

        let unknown =
            MisspeltVariables.find servesAll context.Lookup context.Names spec.Names

        {
            Targets = [ for report, _, _ in resolved -> report ]
            Plain = [ for report, _, _ in plain -> report ]
            Others = spec.Others
            Globals = [
                shared.Request.Effective
                shared.Connect.Effective
                shared.Stall.Effective
                shared.ExpectContinue.Effective
                FileSettings.value "caBundle" Variable.CaBundle bundle
                yield! FileSettings.ofSeals context.Lookup
                yield! proxies.Values
                strict.Effective
            ]
            CaBundle = bundle
            ConnectTimeout = TimeSpan.FromMilliseconds(float shared.Connect.Value)
            Proxies = proxies.Rules
            Strict = strict.Value
            SpecKeys = SpecSettings.keys fromSpec
            Findings = [
                yield! spec.Findings
                for _, findings, _ in resolved do
                    yield! findings

                for _, findings, _ in plain do
                    yield! findings

                yield! shared.Request.Findings
                yield! shared.Connect.Findings
                yield! shared.Stall.Findings
                yield! shared.ExpectContinue.Findings
                yield! (BindDigestSetting.shared context.Lookup).Findings

                yield!
                    SpoolSetting.unusedShared
                        context.Lookup
                        (Variable.SharedSpoolMaxBytes, Variable.SharedSpoolDir)
                        [ for report, _, _ in resolved -> report.Settings |> Option.map _.Spool ]

                yield!
                    SpoolSetting.unusedShared
                        context.Lookup
                        (Variable.SharedHttpSpoolMaxBytes, Variable.SharedHttpSpoolDir)
                        [
                            for report, _, _ in plain do
                                if report.Kind = TargetKind.Http then
                                    report.Settings |> Option.map _.Spool
                        ]

                yield! strict.Findings
                yield! proxies.Findings
                for item in spec.Targets do
                    yield! caseTwins item.Name [ for name in artifacts[TargetName.value item.Name] -> name ]
                yield! List.map MisspeltVariables.toFinding unknown
            ]
            Problems = [
                yield!
                    context.CellId
                    |> Option.bind (fun cell -> CellSpec.otherCell cell spec)
                    |> Option.toList

                for _, _, problems in resolved do
                    yield! List.map (MisspeltVariables.withMeant unknown) problems
                for _, _, problems in plain do
                    yield! problems

                yield! UrlSetting.sharedProblems context.Lookup
                yield! bundleProblems
                yield! proxies.Problems
            ]
        }
        |> SpecSettings.named

    /// The resolution with a problem that reading a file brought up; `target` is `None` for a global variable.
    [<CompiledName("WithProblem")>]
    let withProblem (target: TargetName option) (variable: string) (text: string) (resolution: Resolution) = {
        resolution with
            Problems =
                resolution.Problems
                @ [
                    ConfigProblem.inVariable target variable text
                    |> SpecSettings.problem resolution.SpecKeys
                ]
    }

    /// The variable that names the token file of a target's broker.
    [<CompiledName("TokenVariable")>]
    let tokenVariable (context: SettingsContext) (spec: CellSpec) (target: TargetName) : string =
        UrlSetting.tokenVariable
            (SpecSettings.over (SpecSettings.effective context.Lookup spec.Settings) context.Lookup)
            target

    /// The resolution with the advice that others can read a token file. `variable` names the file.
    [<CompiledName("WithReadableToken")>]
    let withReadableToken (target: TargetName) (variable: string) (resolution: Resolution) : Resolution =
        {
            resolution with
                Findings =
                    resolution.Findings
                    @ [
                        {
                            Id = FindingId.TokenReadable
                            Severity = Severity.Advice
                            Target = Some(TargetName.value target)
                            Variable = variable
                            What = "every user of this machine can read the token of the broker"
                            Remedy = "Take the right to read the file from others (chmod o-r)."
                        }
                    ]
        }
        |> SpecSettings.named

    /// The resolution with what a target's manifest has against it: its problems, or the findings of its URLs. If it has
    /// a URL for none of the target's artifacts, that is a problem; if it lacks some of them, a finding, and they fail alone.
    [<CompiledName("WithManifest")>]
    let withManifest
        (context: SettingsContext)
        (spec: CellSpec)
        (target: TargetName)
        (manifest: Validation<UrlManifest, string>)
        (resolution: Resolution)
        : Resolution =
        let variable = Variable.forTarget target Variable.PresignedUrlsFile

        let add (texts: string list) (resolution: Resolution) = {
            resolution with
                Problems =
                    resolution.Problems
                    @ (texts |> List.map (ConfigProblem.inVariable (Some target) variable))
        }

        let item = spec.Targets |> List.tryFind (fun item -> item.Name = target)

        match manifest, item with
        | Error problems, _ -> resolution |> add problems |> SpecSettings.named
        | Ok _, None -> resolution
        | Ok manifest, Some item ->
            let settings =
                resolution.Targets
                |> List.tryFind (fun report -> report.Name = target)
                |> Option.bind _.Settings

            let region = settings |> Option.bind _.Region
            let writeOnce = settings |> Option.exists _.WriteOnce
            let keyCheck = settings |> Option.forall _.KeyCheck

            let urlContext =
                TargetReader.contextOf context item region writeOnce keyCheck variable

            let namesOf (artifacts: S3Artifact list) =
                artifacts
                |> List.filter (fun artifact -> artifact.Target = target)
                |> List.map _.Name

            let look =
                ManifestFindings.look
                    urlContext
                    {
                        Artifacts = namesOf spec.Artifacts
                        HasOtherShards = not (namesOf spec.OtherShards).IsEmpty
                        Shard = spec.Shard
                    }
                    manifest

            let withExpiry (report: TargetReport) =
                if report.Name = target && look.FirstExpiry.IsSome then
                    {
                        report with
                            ExpiresAt = look.FirstExpiry
                    }
                else
                    report

            add look.Problems {
                resolution with
                    Findings = resolution.Findings @ look.Findings
                    Targets = resolution.Targets |> List.map withExpiry
            }
            |> SpecSettings.named

    /// Why a configuration is refused: its problems, and with strictness its warnings. Empty if it can be used.
    [<CompiledName("Refusals")>]
    let refusals (resolution: Resolution) : ConfigProblem list = [
        yield! resolution.Problems

        if resolution.Strict then
            for finding in resolution.Findings do
                if finding.Severity <> Severity.Advice then
                    {
                        Target = finding.Target
                        Variable = Some finding.Variable
                        Line = None
                        Text =
                            $"{finding.What}. {finding.Remedy} ({Variable.Strict}=1 makes this warning, {finding.Id}, an error.)"
                    }
    ]

    /// True if every artifact can be exported as configured: nothing is refused, and there is no finding of severity
    /// `Error`. `check` ends by it.
    [<CompiledName("AllCanBeExported")>]
    let allCanBeExported (resolution: Resolution) : bool =
        (refusals resolution).IsEmpty
        && resolution.Findings
           |> List.forall (fun finding -> finding.Severity <> Severity.Error)

    /// The settings of all targets that nothing is wrong with, in the order of the spec.
    [<CompiledName("Usable")>]
    let usable (resolution: Resolution) : TargetSettings list =
        resolution.Targets |> List.choose _.Settings

    /// When a URL expires, in words.
    [<CompiledName("ExpiryInWords")>]
    let expiryInWords (now: DateTimeOffset) (at: DateTimeOffset) : string =
        let moment = TimeWords.moment at

        if at.UtcTicks <= now.UtcTicks then
            "expired " + TimeWords.span (now - at) + " ago (" + moment + ")"
        else
            "in " + TimeWords.span (at - now) + " (" + moment + ")"

    /// The target for one cell.
    [<CompiledName("ForCell")>]
    let forCell (cellId: CellId) (settings: TargetSettings) : Target = {
        Name = Some settings.Name
        CellId = cellId
        Bucket = Some settings.Bucket
        KeyPrefix = settings.KeyPrefix
        Region = settings.Region
        Url =
            match settings.Url with
            | UrlChoice.Template template -> Some template
            | UrlChoice.Manifest _
            | UrlChoice.Broker _
            | UrlChoice.Command _
            | UrlChoice.Provider -> None
        Retry = settings.Retry
        Limits = settings.Limits
        Integrity = settings.Integrity
        ContentMd5 = settings.ContentMd5
        WriteOnce = settings.WriteOnce
        AcceptUnmarked = settings.AcceptUnmarked
        KeyCheck = settings.KeyCheck
        // A manifest is not asked: its URLs are signed already.
        BindDigest = settings.BindDigest && not settings.Url.IsManifest
        ExpectContinueFrom = settings.ExpectContinueFrom
        MaxObjectBytes = settings.MaxObjectBytes
        Headers = []
    }
