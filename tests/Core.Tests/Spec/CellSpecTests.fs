module CellOS.Export.S3.Core.Tests.CellSpecTests

open System
open System.Text.RegularExpressions
open Expecto
open FsCheck
open FsCheck.FSharp
open CellOS.Export.S3.Core
open CellOS.Export.S3.Core.Tests.Config
open CellOS.Export.S3.Core.Tests.Shown
open CellOS.Export.S3.Core.Tests.TextGenerators
open CellOS.Export.S3.Core.Tests.SpecGenerators

let private create targets artifacts = CellSpec.create targets artifacts

let private texts result =
    match result with
    | Ok _ -> []
    | Error problems -> problems |> List.map (fun problem -> problem.Text)

/// The words of each problem in the order of the problems, or what is missing there.
let private tells (expected: string list) (problems: string list) =
    if expected.Length <> problems.Length then
        Some $"{expected.Length} expected, told: %A{problems}"
    else
        List.zip expected problems
        |> List.tryPick (fun (words, problem) ->
            if problem.Contains(words, StringComparison.Ordinal) then
                None
            else
                Some $"'{words}' is not in: {problem}")

/// Null means left out.
type private Text = string | null

let private target (name: Text) (kind: Text) (bucket: Text) (region: Text) (prefix: Text) : SpecTarget = {
    Name = name
    Kind = kind
    Bucket = bucket
    Region = region
    KeyPrefix = prefix
    Line = None
}

let private at line (target: SpecTarget) = { target with Line = Some line }

let private artifact (name: Text) (path: Text) (target: Text) : SpecArtifact = {
    Name = name
    Path = path
    Target = target
    Line = None
}

let private two = [ s3 "a"; s3 "b" ]
let private mixed = [ s3 "a"; { s3 "web" with Kind = "http" } ]

[<Tests>]
let targets =
    testList "CellSpec targets" [
        table
            "what is wrong with targets is told in the order of the spec"
            [
                [ s3 "a" ], []
                [ { s3 "a" with Kind = " S3 " } ], []
                [], [ "has no targets" ]
                [ target null "s3" "b" null null ], [ "target 1 has no 'name'" ]
                [ target " " " " " " " " " " ], [ "no 'name'"; "no 'kind'"; "no 'bucket'" ]
                [ target "a" null "b" null null ], [ "target 'a' has no 'kind'" ]
                [ target "a" "s3" null null null ], [ "target 'a' has no 'bucket'" ]
                [ target "a" "s3" "s3://b" null null ], [ "a URL or a part of one" ]
                [ target "a" "s3" "b/c" null null ], [ "bucket holds a '/'" ]
                [ target "a" "s3" "b" null "https://h/x?foo=1" ], [ "a URL or a part of one" ]
                [ target "a" "s3" "b" "us west" null ], [ "region contains" ]
                [ target "a" "s3" "b" (String('x', 64)) null ], [ "region is 64 characters" ]
                [ target "a" "s3" "b" null "x/../y" ], [ "segment '.' or '..'" ]
                [ target "-" "s3" "b/" "é" "." ],
                [ "does not start with"; "bucket holds"; "region contains"; "key prefix has" ]
                [ target "-" "s3" "b/" "é" "."; s3 "a"; target null null null "é" "." ],
                [
                    "target '-': The target name"
                    "target '-': The bucket"
                    "target '-': The region"
                    "target '-': The key prefix"
                    "target 3 has no 'name'"
                    "target 3 has no 'kind'"
                    "target 3 has no 'bucket'"
                    "target 3: The region"
                    "target 3: The key prefix"
                ]
                [ s3 "a"; s3 "a" ], [ "two targets 'a'" ]
                [ s3 "a-b"; s3 "a_b"; s3 "a.b" ], [ "'a-b' and 'a_b'"; "'a-b' and 'a.b'" ]
                [ s3 "a"; s3 "A" ], [ "'a' and 'A'" ]
                [ s3 "a-b"; { s3 "a_b" with Kind = "http" } ], [ "'a-b' and 'a_b'" ]
                // The collision stands where the second target does.
                [ s3 "a"; s3 "A"; target "c" "s3" null null null ], [ "'a' and 'A'"; "'c' has no 'bucket'" ]
            ]
            (fun (targets, expected) -> create targets [] |> texts |> tells expected)
            (fun _ -> None)

        testCase "other kinds are reported and disturb nothing" (fun () ->
            let spec =
                specOf [
                    { s3 "web" with Kind = "http" } |> at 2
                    s3 "a"
                    // What would be wrong in an S3 target, and names that collide among themselves.
                    target "disk of mine" "Local" null "é" ".."
                    target "d-1" "local" null null null
                    target "d_1" "local" null null null
                    target "web" "http" null null null
                ] []

            Expect.equal
                (spec.Others |> List.map (fun other -> other.Name, other.Kind, other.Line))
                [
                    "web", "http", Some 2
                    "disk of mine", "Local", None
                    "d-1", "local", None
                    "d_1", "local", None
                    "web", "http", None
                ]
                "by name and kind"

            Expect.equal (spec.Targets |> List.map (_.Name >> TargetName.value)) [ "a" ] "the S3 target")

        testCase "a target keeps what it was given" (fun () ->
            let spec = specOf [ target "a" "s3" "evidence" " eu-1 " "/audit/2026/" |> at 7 ] []

            let target = spec.Targets.Head
            Expect.equal (Bucket.value target.Bucket) "evidence" "bucket"
            Expect.equal target.Region (Some "eu-1") "region"
            Expect.equal (KeyPrefix.value target.KeyPrefix) "audit/2026" "prefix"
            Expect.equal target.Line (Some 7) "line")

        testCase "one target can be taken alone" (fun () ->
            let spec =
                specOf two [ artifact "x" "x" "a"; artifact "x" "x" "b"; artifact "y" "y" "b" ]

            let only name =
                CellSpec.only name spec
                |> Result.map (fun spec ->
                    spec.Targets |> List.map (_.Name >> string),
                    spec.Artifacts |> List.map (_.Name >> string))
                |> Result.mapError _.Message

            Expect.equal (only "b") (Ok([ "b" ], [ "x"; "y" ])) "with its artifacts"

            Expect.equal
                (only "B")
                (Error "The spec has no S3 target 'B'. Give one of 'a', 'b'.")
                "names count as they are"

            Expect.stringContains (Expect.wantError (only "web") "there is none") "'web'" "which")

        propertyTimes
            500
            "names whose variables are the same are caught, and named"
            (gen {
                let name =
                    Gen.choose (1, 4)
                    |> Gen.bind (fun n ->
                        Gen.arrayOfLength n (Gen.elements [ 'a'; 'A'; 'b'; '-'; '_'; '.'; '1' ]))
                    |> Gen.map String
                    |> Gen.filter (fun name ->
                        Regex.IsMatch(name, "^[a-zA-Z0-9]") && not (name.Contains ".."))

                return! Gen.listOf name
            })
            (fun names ->
                // The rule in other words.
                let suffix (name: string) =
                    Regex.Replace(name.ToUpperInvariant(), "[^A-Z0-9]", "_")

                let collide =
                    names
                    |> List.mapi (fun i name ->
                        names
                        |> List.truncate i
                        |> List.tryFind (fun one -> suffix one = suffix name)
                        |> Option.map (fun first -> first, name))
                    |> List.choose id

                if not names.IsEmpty then
                    Expect.equal
                        (create (names |> List.map s3) []
                         |> texts
                         |> tells [
                             for first, name in collide do
                                 if first = name then $"two targets '{name}'" else $"'{first}' and '{name}'"
                         ])
                        None
                        "each later one with the first")
    ]

let private pathOf (path: string) =
    match create [ s3 "a" ] [ artifact "x" path null ] with
    | Ok spec -> spec.Artifacts.Head.Path
    | Error [ problem ] when problem.Text.StartsWith "artifact 'x'" -> "refused"
    | Error problems -> lines problems

[<Tests>]
let artifacts =
    testList "CellSpec artifacts" [
        table
            "a path stays below the artifact root"
            [
                "a", "a"
                "out/stdout.txt", "out/stdout.txt"
                "./a", "a"
                "a/./b", "a/b"
                "././a/.", "a"
                "...", "..."
                "a..b/..c", "a..b/..c"
                ".hidden", ".hidden"
                "a b/ü", "a b/ü"
                "ab:c", "ab:c"
                "~/a", "~/a"
                "..", "refused"
                "../a", "refused"
                "a/../b", "refused"
                "a/..", "refused"
                "./..", "refused"
                "/a", "/a"
                "/a/./b", "/a/b"
                "/./a", "/a"
                "//a", "refused"
                "/", "refused"
                "/.", "refused"
                "/a/", "refused"
                "/a/../b", "refused"
                "/..", "refused"
                "/a\\b", "refused"
                "C:/a", "refused"
                "c:a", "refused"
                "a\\b", "refused"
                "..\\a", "refused"
                "\\\\server\\x", "refused"
                "", "refused"
                " ", "refused"
                ".", "refused"
                "./", "refused"
                "a//b", "refused"
                "a/", "refused"
                "a\nb", "refused"
                "a\000", "refused"
            ]
            (fst >> pathOf)
            snd

        table
            "what is wrong with artifacts is told in the order of the spec"
            [
                two, [ artifact "x" "x" "a"; artifact "x" "x" "b" ], []
                two, [ artifact "x" "x" null ], [ "has no 'target', and the spec has several" ]
                two,
                [ artifact "x" "x" "c" ],
                [ "for the target 'c', which the spec does not have. Its targets are 'a', 'b'" ]
                two, [ artifact "x" "x" "A" ], [ "for the target 'A'" ]
                [ s3 "a" ], [ artifact "x" "x" null; artifact "y" "y" " " ], []
                two, [ artifact null null "a" ], [ "artifact 1 has no 'name'"; "artifact 1 has no 'path'" ]
                two,
                [ artifact "/x" "../x" "c" ],
                [ "begins with a '/'"; "leads out of"; "for the target 'c'" ]
                two,
                [ artifact "x" "x" "a"; artifact "x" "y" "a"; artifact "x" "z" "a" ],
                [ "'x' is listed twice for the target 'a'"; "'x' is listed twice" ]
                // A duplicate is told though other things are wrong, and though the first is not whole.
                two,
                [ artifact "x" ".." "a"; artifact "x" "y" "a"; artifact "" "y" "a" ],
                [ "leads out of"; "'x' is listed twice"; "artifact 3 has no 'name'" ]
                // What is for others is theirs.
                mixed,
                [
                    artifact "x" "x" "a"
                    artifact "/bad/" "../bad" "web"
                    artifact null null "web"
                ],
                []
                mixed, [ artifact "x" "x" null ], [ "has no 'target', and the spec has several" ]
                [ { s3 "web" with Kind = "http" } ], [ artifact null ".." null ], []
                // Where targets are wrong, no consequence of that is told.
                [], [ artifact "x" "x" "a"; artifact "y" "y" null ], [ "has no targets" ]
                [ target "-" "s3" "b" null null ],
                [ artifact "x" "x" "-"; artifact "y" "y" null ],
                [ "target '-': The target name" ]
                [ s3 "a"; target null "s3" "b" null null ],
                [ artifact "x" "x" "b" ],
                [ "target 2 has no 'name'" ]
            ]
            (fun (targets, artifacts, expected) -> create targets artifacts |> texts |> tells expected)
            (fun _ -> None)

        testCase "artifacts for other kinds are left out" (fun () ->
            let spec =
                specOf mixed [
                    artifact "x" "x" "web"
                    {
                        artifact "y" "./y" "a" with
                            Line = Some 4
                    }
                ]

            Expect.equal
                (spec.Artifacts
                 |> List.map (fun item ->
                     ArtifactName.value item.Name, item.Path, TargetName.value item.Target, item.Line))
                [ "y", "y", "a", Some 4 ]
                "one is left")

        testCase "the list of known targets is short" (fun () ->
            match create [ for n in 1..1000 -> s3 $"target-{n}" ] [ artifact "x" "x" "y" ] with
            | Error [ problem ] -> Expect.isLessThan problem.Text.Length 400 "not all of a thousand"
            | other -> failtestf "%A" (texts other))

        testSequenced (
            testCase "time grows with the number of artifacts, not with its square" (fun () ->
                let spec count wrong =
                    [ for n in 1..count -> s3 $"t{n}" ],
                    [
                        for n in 1..count ->
                            artifact (if wrong then "/" else $"a{n}") "p" (if wrong then "none" else $"t{n}")
                    ]

                let time count =
                    let good, bad = spec count false, spec count true

                    Seq.init 3 (fun _ ->
                        let before = Environment.CpuUsage.TotalTime

                        match create (fst good) (snd good), create (fst bad) (snd bad) with
                        | Ok spec, Error problems ->
                            Settings.resolve (contextOf [ "CELLOS_EXPORT_S3_X", "x" ]) spec |> ignore
                            Expect.hasLength problems (2 * count) "each has two"
                        | _ -> failtest "one is good, one is bad"

                        // Of this process: a machine that is busy with something else does not count.
                        Environment.CpuUsage.TotalTime - before)
                    |> Seq.min

                time 100 |> ignore
                // Few are enough to take longer than the clock needs to move.
                let few, many = time 1000, time 16000
                // 16 times as many; a square would take 256 times as long.
                Expect.isLessThan many (few * 80.) "in proportion")
        )
    ]

[<Tests>]
let hostile =
    testList "CellSpec hostile" [
        propertyTimes 300 "no problem holds a secret, or more than one line" unchecked (fun spec ->
            match create (fst spec.Value) (snd spec.Value) with
            | Ok spec' ->
                let shown = everyWay spec'.Others @ everyWay spec'.Targets
                Expect.isEmpty (shown |> List.collect (holds spec.Secrets)) "targets"
            | Error problems ->
                Expect.isEmpty (everyWay problems |> List.collect (holds spec.Secrets)) "problems"

                for problem in problems do
                    Expect.isFalse (problem.Message |> Seq.exists Char.IsControl) "one line"
                    Expect.isTrue (problem.Message.Length < 700) "short"
                    Expect.isTrue problem.Line.IsSome "its line")

        propertyTimes 300 "what is good comes through whatever stands beside it" unchecked (fun spec ->
            let targets, _ = spec.Value

            let others =
                targets
                |> List.filter (fun target -> target.Kind = "http" || target.Kind = "local")

            let named =
                others |> List.filter (fun other -> not (String.IsNullOrWhiteSpace other.Name))

            match create (s3 "one-of-a-name-that-nobody-makes-up" :: named) [] with
            | Ok spec -> Expect.hasLength spec.Others named.Length "the others"
            | Error problems -> failtestf "disturbed by others: %s" (lines problems))
    ]
