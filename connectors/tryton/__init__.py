"""Tryton as the ERP and the CRM of the demo's routes: the sandbox's actions by name, argument and result, on a real system."""
