import MartletText
import Testing

@testable import MartletChat

/// Tests behind `is`: templates and what Python's Jinja 3.1.6 makes of them with `sampleVariables`.
@Suite struct ValueTestTables {
    static let rows: [(source: String, expected: String)] = [
        ("{{ l[9] is defined }}", "False"),
        ("{{ ld[:3]|sort(attribute='k,v') is defined }}", "True"),
        ("{{ []|first is defined }}", "False"),
        ("{{ 1 is number }}", "True"),
        ("{{ true is number }}", "True"),
        ("{{ 'x' is string }}", "True"),
        ("{{ l is iterable }}", "True"),
        ("{{ s is iterable }}", "True"),
        ("{{ 5 is iterable }}", "False"),
        ("{{ d is mapping }}", "True"),
        ("{{ l is sequence }}", "True"),
        ("{{ s is sequence }}", "True"),
        ("{{ d is sequence }}", "True"),
        ("{{ 5 is sequence }}", "False"),
        ("{{ none is none }}", "True"),
        ("{{ zz is none }}", "False"),
        ("{{ zz is defined }}", "False"),
        ("{{ 1 is integer }}", "True"),
        ("{{ true is integer }}", "False"),
        ("{{ 1.0 is float }}", "True"),
        ("{{ true is boolean }}", "True"),
        ("{{ 1 is boolean }}", "False"),
        ("{{ 'a' is lower }}", "True"),
        ("{{ 'A' is upper }}", "True"),
        ("{{ 4 is even }}", "True"),
        ("{{ 3 is odd }}", "True"),
        ("{{ 9 is divisibleby 3 }}", "True"),
        ("{{ 9 is divisibleby(2) }}", "False"),
        ("{{ 1 is sameas 1 }}", "True"),
        ("{{ true is sameas true }}", "True"),
        ("{{ 1 is sameas true }}", "False"),
        ("{{ l is sameas l }}", "True"),
        ("{{ 1 is eq 1 }}", "True"),
        ("{{ 2 is gt 1 }}", "True"),
        ("{{ 1 is in [1] }}", "True"),
        ("{{ 'upper' is filter }}", "True"),
        ("{{ 'zz' is filter }}", "False"),
        ("{{ 'odd' is test }}", "True"),
        ("{{ range is callable }}", "True"),
        ("{{ s is callable }}", "False"),
        ("{{ zz is undefined }}", "True"),
        ("{{ true is true }}", "True"),
        ("{{ 1 is true }}", "False"),
        ("{{ zz is iterable }}", "True"),
        ("{{ zz is sequence }}", "True"),
        ("{{ not s is string }}", "False"),
        ("{{ s is not string }}", "False"),
        ("{{ range(0) is defined }}", "True"),
        ("{{ 'x' is string and 'y' or 'z' }}", "y"),
        ("{{ 5 is not none }}", "True"),
        ("{{ (5 is none) | string }}", "False"),
        ("{{ 1 if namespace is callable }}", "1"),
        ("{{ s|attr('upper') is callable }}", "True"),
        ("{{ d|attr('b') is defined }}", "False"),
        ("{{ l['append'] is callable }}", "True"),
        ("{{ l if l is defined else [] }}", "[3, 1, 2]"),
        ("{{ s is defined and s }}", "Hello, World"),
        ("{{ s is string }}", "True"),
    ]

    @Test(arguments: rows.indices) func testsDoAsInJinja(index: Int) throws {
        let row = Self.rows[index]
        let text = try render(row.source, sampleVariables).text
        #expect(text.hasSameBytes(as: row.expected), "\(row.source) gives \(text)")
    }
}
