namespace CellOS.Export.S3.Core

open System
open FsToolkit.ErrorHandling

/// One target of a spec: its report, the findings, and the problems.
[<RequireQualifiedAccess>]
module internal TargetReader =

    let private milliseconds (number: int64) = TimeSpan.FromMilliseconds(float number)

    let private ofSpec name value : EffectiveValue = {
        Name = name
        Value = value
        Origin = Origin.Spec
        Variable = None
    }

    let private bucketName (target: S3Target) =
        match BucketNaming.problem (Bucket.value target.Bucket) with
        | Some problem -> [
            {
                Id = FindingId.BucketName
                Severity = Severity.Advice
                Target = Some(TargetName.value target.Name)
                Variable = "bucket"
                What = $"AWS has no bucket {Check.quote (Bucket.value target.Bucket)}: its name {problem}"
                Remedy = "Correct it in the spec, unless the store is another one."
            }
          ]
        | None -> []

    let contextOf
        (context: SettingsContext)
        (target: S3Target)
        region
        writeOnce
        keyCheck
        variable
        : UrlContext = {
        Name = target.Name
        Bucket = target.Bucket
        KeyPrefix = target.KeyPrefix
        Region = region
        Variable = variable
        CellId = context.CellId
        WriteOnce = writeOnce
        KeyCheck = keyCheck
        Now = context.Now
    }

    let private expiryOf (choice: UrlChoice) =
        match choice with
        // What a template says of its expiry is the same for all artifacts.
        | UrlChoice.Template template -> (UrlTemplate.sample template |> PresignedUrl.inspect).ExpiresAt
        | UrlChoice.Manifest _
        | UrlChoice.Broker _
        | UrlChoice.Command _
        | UrlChoice.Provider -> None

    /// One target: its report, the findings, and the problems.
    let read
        (context: SettingsContext)
        (shared: SharedSettings)
        (artifacts: ArtifactName list)
        (target: S3Target)
        =
        let lookup = context.Lookup
        let variable = Variable.forTarget target.Name
        let who = Some target.Name
        let url = UrlSetting.read lookup context.HasProvider target.Name
        let region = RegionSetting.read lookup target

        let number name stem unit least most whenUnset =
            EnvironmentReader.number lookup who name (variable stem) unit least most whenUnset

        let longestWait = int64 RetryPolicy.MaxWait.TotalMilliseconds

        let attempts =
            number
                "maxAttempts"
                Variable.MaxAttempts
                ""
                1L
                (int64 Int32.MaxValue)
                (int64 RetryPolicy.defaults.MaxAttempts)

        let backoff = number "retryBackoff" Variable.RetryBackoff " ms" 0L longestWait 500L

        let cap =
            number "retryMaxBackoff" Variable.RetryMaxBackoff " ms" 0L longestWait 20_000L

        let mode =
            EnvironmentReader.choice
                lookup
                who
                "retryMode"
                (variable Variable.RetryMode)
                [ "fixed"; "exponential" ]
                "fixed"

        let deadline =
            EnvironmentReader.optionalNumber
                lookup
                who
                "deadline"
                (variable Variable.Deadline)
                " ms"
                1L
                SharedSettings.longestTimeout
                None
                None

        let integrity =
            EnvironmentReader.choice
                lookup
                who
                "integrity"
                (variable Variable.Integrity)
                [ "off"; "verify"; "require" ]
                "verify"

        let writeOnce =
            EnvironmentReader.flag lookup who "writeOnce" (variable Variable.WriteOnce) "0"

        let contentMd5 =
            EnvironmentReader.flag lookup who "contentMd5" (variable Variable.ContentMd5) "if signed"

        let acceptUnmarked =
            EnvironmentReader.flag lookup who "acceptUnmarked" (variable Variable.AcceptUnmarked) "0"

        let keyCheck =
            EnvironmentReader.choice lookup who "keyCheck" (variable Variable.KeyCheck) [ "on"; "off" ] "on"

        let bindDigest = BindDigestSetting.read lookup target.Name

        let maxBytes =
            number "maxObjectBytes" Variable.MaxObjectBytes " bytes" 0L Int64.MaxValue Target.MaxPutBytes

        let spool =
            SpoolSetting.read
                lookup
                who
                (Variable.SpoolDir, Variable.SharedSpoolDir)
                (Variable.SpoolMaxBytes, Variable.SharedSpoolMaxBytes)

        let settings =
            validation {
                let! url = url
                and! region = region
                and! spool = spool.Settings

                and! retry =
                    RetryPolicy.create
                        (match mode.Value with
                         | "exponential" -> RetryMode.Exponential
                         | _ -> RetryMode.Fixed)
                        (int attempts.Value)
                        (milliseconds backoff.Value)
                        (milliseconds cap.Value)
                    |> Result.mapError (fun refusals -> [
                        for refusal in refusals ->
                            ConfigProblem.inVariable who (variable Variable.MaxAttempts) refusal.Message
                    ])

                return {
                    Name = target.Name
                    Bucket = target.Bucket
                    KeyPrefix = target.KeyPrefix
                    Region = region.Value
                    Url = url.Value
                    Retry = retry
                    Limits = {
                        ConnectTimeout = milliseconds shared.Connect.Value
                        RequestTimeout = milliseconds shared.Request.Value
                        StallTimeout = shared.Stall.Value |> Option.map milliseconds
                        Deadline = deadline.Value |> Option.map milliseconds
                    }
                    Integrity =
                        match integrity.Value with
                        | "off" -> IntegrityMode.Off
                        | "require" -> IntegrityMode.Require
                        | _ -> IntegrityMode.Verify
                    WriteOnce = writeOnce.Value
                    ContentMd5 = contentMd5.Value
                    AcceptUnmarked = acceptUnmarked.Value
                    KeyCheck = keyCheck.Value = "on"
                    BindDigest = bindDigest.Value
                    ExpectContinueFrom = shared.ExpectContinue.Value
                    MaxObjectBytes = maxBytes.Value
                    Spool = spool
                }
            }

        let urlFindings =
            match url, region with
            | Ok({ Value = UrlChoice.Template template } as reading), region ->
                let region =
                    match region with
                    | Ok region -> region.Value
                    | Error _ -> None

                let from =
                    match reading.Effective.Origin with
                    | Origin.Variable name -> name
                    | _ -> variable Variable.PresignedUrl

                [
                    yield! reading.Findings
                    yield!
                        UrlFindings.ofTemplate
                            (contextOf context target region writeOnce.Value (keyCheck.Value = "on") from)
                            artifacts
                            template
                ]
            | _ -> []

        let report = {
            Name = target.Name
            Values = [
                ofSpec "bucket" (Check.plain (Bucket.value target.Bucket))
                if KeyPrefix.value target.KeyPrefix <> "" then
                    ofSpec "keyPrefix" (Check.plain (KeyPrefix.value target.KeyPrefix))
                match region with
                | Ok region -> region.Effective
                | Error _ -> ()
                match url with
                | Ok url ->
                    url.Effective
                    yield! UrlSetting.tokenValues lookup target.Name url.Value
                | Error _ -> ()
                bindDigest.Effective
                attempts.Effective
                backoff.Effective
                mode.Effective
                cap.Effective
                deadline.Effective
                writeOnce.Effective
                integrity.Effective
                contentMd5.Effective
                acceptUnmarked.Effective
                keyCheck.Effective
                maxBytes.Effective
                yield! spool.Values
            ]
            ExpiresAt =
                match url with
                | Ok url -> expiryOf url.Value
                | Error _ -> None
            TargetReport.Settings = Result.toOption settings
        }

        let findings = [
            yield! urlFindings
            yield! attempts.Findings
            yield! backoff.Findings
            yield! mode.Findings
            yield! cap.Findings
            yield! deadline.Findings
            yield! writeOnce.Findings
            yield! integrity.Findings
            yield! contentMd5.Findings
            yield! acceptUnmarked.Findings
            yield! keyCheck.Findings
            yield! bindDigest.Findings

            match url with
            | Ok url -> yield! BindDigestSetting.unused target.Name url.Value bindDigest
            | Error _ -> ()

            yield! maxBytes.Findings
            yield! spool.Findings
            yield! bucketName target
        ]

        let problems =
            match settings with
            | Ok _ -> []
            | Error problems -> problems

        report, findings, problems
