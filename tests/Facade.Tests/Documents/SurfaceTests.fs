module Facade.Tests.SurfaceTests

open System
open System.Collections.Generic
open System.Reflection
open CellOS.Export
open CellOS.Export.S3
open Expecto

let private facade = typeof<PresignedS3ExportSink>.Assembly

let rec private mentioned (shown: Type) : Type list =
    if shown.IsGenericType then
        shown :: (shown.GetGenericArguments() |> List.ofArray |> List.collect mentioned)
    elif shown.HasElementType then
        mentioned (nonNull (shown.GetElementType()))
    else
        [ shown ]

/// Every type that a public member of the facade shows.
let private surface = [
    for shown in facade.GetExportedTypes() do
        for m in
            shown.GetMembers(
                BindingFlags.Public
                ||| BindingFlags.Instance
                ||| BindingFlags.Static
                ||| BindingFlags.DeclaredOnly
            ) do
            let types =
                match m with
                | :? MethodInfo as m -> m.ReturnType :: [ for p in m.GetParameters() -> p.ParameterType ]
                | :? ConstructorInfo as m -> [ for p in m.GetParameters() -> p.ParameterType ]
                | :? PropertyInfo as m -> [ m.PropertyType ]
                | :? FieldInfo as m -> [ m.FieldType ]
                | _ -> []

            for t in types |> List.collect mentioned do
                $"{shown.Name}.{m.Name}", t
]

[<Tests>]
let tests =
    testList "the facade's public surface" [
        testCase "shows nothing of F# and nothing of the core" (fun () ->
            Expect.isGreaterThan surface.Length 50 "members were found"

            let core = typeof<CellOS.Export.S3.Core.CellId>.Assembly
            let fsharp = typeof<option<int>>.Assembly

            let leaks =
                surface
                |> List.filter (fun (_, t) -> t.Assembly = core || t.Assembly = fsharp)
                |> List.map (fun (name, t) -> $"{name}: {t}")

            Expect.isEmpty leaks "no leak")

        testCase "has the four timeout constants of the seed" (fun () ->
            Expect.equal S3ExportTimeouts.DefaultRequestTimeoutMs 30_000 "30 s"
            Expect.equal S3ExportTimeouts.EnvRequestTimeoutMs "CELLOS_EXPORT_S3_TIMEOUT_MS" "the variable"
            Expect.equal S3ExportTimeouts.DefaultConnectTimeoutMs 10_000 "10 s"

            Expect.equal
                S3ExportTimeouts.EnvConnectTimeoutMs
                "CELLOS_EXPORT_S3_CONNECT_TIMEOUT_MS"
                "the variable")

        testCase "resolves a timeout from a look-up" (fun () ->
            let resolve (value: string | null) =
                S3ExportTimeouts.ResolveTimeoutMs("V", 5, Func<string, string | null>(fun _ -> value))

            Expect.equal (resolve null) 5 "unset"

            for value, expected in
                [
                    "", 5
                    " ", 5
                    "12", 12
                    " 12 ", 12
                    "0", 5
                    "-1", 5
                    "1.5", 5
                    "x", 5
                    "2147483647", Int32.MaxValue
                    "2147483648", 5
                ] do
                Expect.equal (resolve value) expected value)

        testCase "gives each kind of failure of the core a kind of its own" (fun () ->
            let cases =
                Microsoft.FSharp.Reflection.FSharpType.GetUnionCases
                    typeof<CellOS.Export.S3.Core.FailureKind>
                |> Array.map _.Name
                |> Array.sort

            Expect.sequenceEqual
                (Enum.GetNames<ExportFailureKind>()
                 |> Array.filter ((<>) "Unknown")
                 |> Array.sort)
                cases
                "the same names")

        testCase "tells a failure of the core as one of the same kind" (fun () ->
            for case in
                Microsoft.FSharp.Reflection.FSharpType.GetUnionCases
                    typeof<CellOS.Export.S3.Core.FailureKind> do
                let failure: CellOS.Export.S3.Core.ExportFailure = {
                    Kind =
                        unbox<CellOS.Export.S3.Core.FailureKind>(
                            Microsoft.FSharp.Reflection.FSharpValue.MakeUnion(case, [||])
                        )
                    Message = "m"
                    Reason = "r"
                    TargetKind = CellOS.Export.S3.Core.TargetKind.S3
                    TargetName = None
                    Destination = "d"
                    CellId = "c"
                    ArtifactName = "a"
                    Attempts = 1
                    Elapsed = TimeSpan.Zero
                    Status = None
                    Code = None
                    RequestId = None
                    HostId = None
                    MayBeStored = false
                }

                Expect.equal (string (CoreMapping.ToException(failure).Kind)) case.Name case.Name)

        testCase "every option reaches the target" (fun () ->
            // They make up `Url` or the handler, and are tried out with those.
            let others = [
                "PresignedUrl"
                "PresignedUrlsFile"
                "PresignedUrlProvider"
                "UrlProvider"
                "BrokerUrl"
                "BrokerTokenFile"
                "UrlCommand"
                "CaBundle"
            ]

            let options () =
                PresignedS3ExportSinkOptions(PresignedUrl = "http://h/x", CellId = "c", Bucket = "b")

            let another (kind: Type) : obj =
                match Option.ofObj (Nullable.GetUnderlyingType kind) |> Option.defaultValue kind with
                | kind when kind = typeof<string> -> "other"
                | kind when kind = typeof<int> -> 7
                | kind when kind = typeof<int64> -> 7L
                | kind when kind = typeof<TimeSpan> -> TimeSpan.FromMilliseconds 7.
                | kind when kind.IsEnum ->
                    nonNull ((Enum.GetValues kind).GetValue((Enum.GetValues kind).Length - 1))
                | kind when kind.IsAssignableFrom typeof<Dictionary<string, string>> ->
                    Dictionary(dict [ "Cache-Control", "no-store" ])
                | kind -> failtestf "a value of %s" kind.Name

            let plain = SinkTarget.From(options ())

            for property in typeof<PresignedS3ExportSinkOptions>.GetProperties() do
                if not (List.contains property.Name others) then
                    let changed = options ()

                    let value =
                        match property.GetValue changed with
                        | :? bool as isOn -> box (not isOn)
                        | _ -> another property.PropertyType

                    property.SetValue(changed, value)
                    Expect.notEqual (SinkTarget.From changed) plain property.Name)

        testCase "names a sink's kind of target" (fun () ->
            use sink = new PresignedS3ExportSink("http://h/x", "c", "b", "p", null, null, 1, 0L)
            Expect.equal sink.TargetKind ExportTargetKind.S3 "S3"
            Expect.equal (sink.DestinationHint "a/b") "s3://b/p/c/a/b" "the hint")

        testCase "writes a receipt of any sink as JSON" (fun () ->
            let receipt =
                ExportReceipt(
                    TargetKind = ExportTargetKind.Local,
                    Destination = "file:///x",
                    BytesWritten = 3L,
                    CellId = "c",
                    ArtifactName = "ü",
                    Sha256 = "00",
                    Integrity = "unverified",
                    Attempts = 1,
                    StartedAt = DateTimeOffset(2026, 5, 1, 14, 0, 0, TimeSpan.FromHours 2.),
                    CompletedAt = DateTimeOffset(2026, 5, 1, 12, 0, 0, 5, TimeSpan.Zero)
                )

            Expect.equal
                (receipt.ToJson())
                """{"targetKind":"localPath","destination":"file:///x","bytesWritten":3,"cellId":"c","artifactName":"ü","sha256":"00","integrity":"unverified","attempts":1,"startedAt":"2026-05-01T12:00:00.000Z","completedAt":"2026-05-01T12:00:00.005Z"}"""
                "as documented")

        testCase "writes a failure of any sink as JSON on one line, without secrets" (fun () ->
            let bare = ExportException(ExportFailureKind.Internal, "no")

            Expect.equal
                (bare.ToJson())
                """{"error":{"kind":"Internal","message":"no","attempts":0}}"""
                "bare"

            let full =
                ExportException(
                    ExportFailureKind.UrlExpired,
                    "two\r\nlines\u2028 of http://h/k?X-Amz-Signature=0123456789abcdef0123",
                    Destination = "file:///x",
                    TargetName = "t",
                    CellId = "c",
                    ArtifactName = "ü",
                    StatusCode = Nullable System.Net.HttpStatusCode.BadRequest,
                    ErrorCode = "ExpiredToken",
                    RequestId = "r",
                    Attempts = 2
                )

            Expect.equal
                (full.ToJson())
                """{"cellId":"c","artifactName":"ü","destination":"file:///x","error":{"kind":"UrlExpired","message":"two\r\nlines\u2028 of http://h/k?X-Amz-Signature=REDACTED","status":400,"code":"ExpiredToken","requestId":"r","attempts":2}}"""
                "full")

        testCase "has a result with either a receipt or a failure" (fun () ->
            let artifact = ExportArtifact("a/b", "/x")
            let failure = ExportException(ExportFailureKind.Refused, "no")
            let result = ExportResult(artifact, failure)
            Expect.isFalse result.IsExported "not exported"
            Expect.isNull result.Receipt "no receipt"

            Expect.equal
                (result.ToJson())
                """{"artifactName":"a/b","error":{"kind":"Refused","message":"no","attempts":0}}"""
                "under the artifact's name"

            for build in
                [
                    fun () -> ExportResult(artifact, Unchecked.defaultof<ExportException>)
                    fun () -> ExportResult(artifact, Unchecked.defaultof<ExportReceipt>)
                    fun () -> ExportResult(Unchecked.defaultof<ExportArtifact>, failure)
                ] do
                Expect.throwsT<ArgumentNullException> (fun () -> build () |> ignore) "never neither")
    ]
