module Package.Tests.CommandTests

open System.IO
open Expecto
open Package.Tests.Support

let private pack (arguments: string list) =
    run root [] "bash" (inRoot "build.sh" :: "pack" :: arguments)

/// What builds left in the folders of the projects.
let private binaries () = [
    for it in Packages.all do
        for place in [ "bin"; "obj" ] do
            let folder = inRoot (Path.Combine(it.Folder, place))

            if Directory.Exists folder then
                for extension in [ "*.dll"; "*.pdb" ] do
                    for path in Directory.GetFiles(folder, extension, SearchOption.AllDirectories) do
                        path, File.GetLastWriteTimeUtc path
]

/// Before any test runs.
let private before = binaries ()

[<Tests>]
let tests =
    testList "./build.sh pack" [
        testCaseTask "refuses what is no version of SemVer 2" (fun () ->
            task {
                for given in
                    [
                        "1"
                        "1.2"
                        "1.2.3.4"
                        "01.2.3"
                        "v1.2.3"
                        "1.2.3-"
                        "1.2.3-01"
                        "1.2.3+b"
                        "1.2.3 -p:X=1"
                    ] do
                    let! struct (code, _, error) = pack [ given ]
                    Expect.equal code 2 $"'{given}' is refused"
                    Expect.stringContains error $"'{given}' is no version" "and named"
            })

        testCaseTask "refuses a third argument" (fun () ->
            task {
                let! struct (code, _, error) = pack [ "1.2.3"; "folder"; "more" ]
                Expect.equal code 2 "it is refused"
                Expect.stringContains error "no more" "with the reason"
            })

        testCaseTask "leaves the repository's own builds alone" (fun () ->
            task {
                Expect.isGreaterThan before.Length 3 "there is something to look at"
                let! _ = Packages.made ()
                Expect.sequenceEqual (binaries ()) before "no assembly is written there"
            })
    ]
