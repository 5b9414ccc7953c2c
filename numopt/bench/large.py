"""The large sweep: constrained problems with 1 000 to 10 000 variables."""

METHODS = ("sketched_newton", "ipopt")
PROBLEMS = (
    ("BLOCKQP1", {"n": 1000}),
    ("BRATU2D", {"P": 72}),
    ("CATMIX", {"nh": 300}),
    ("CVXQP1", {"n": 1000}),
    ("DTOC1L", {"n": 500}),
    ("DTOC2", {"n": 500}),
    ("DTOC3", {"n": 1500}),
    ("DTOC6", {"n": 1000}),
    ("HAGER1", {"n": 2500}),
    ("LUKVLE1", {"n": 10_000}),
    ("LUKVLE10", {"n": 10_000}),
    ("LUKVLE3", {"n": 10_000}),
    ("LUKVLI1", {"n": 1000}),
    ("LUKVLI3", {"n": 10_000}),
    ("NCVXQP1", {"n": 1000}),
    ("OPTMASS", {"n": 500}),
    ("ORTHREGD", {"npts": 500}),
    ("SVANBERG", {"n": 1000}),
)
